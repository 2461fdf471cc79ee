// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
)

// A Source is a place that resources come from: a machine, a repository, a file, a cloud account.
// It reads; it never writes to what it reads. It does not know tests, stores or organisations.
//
// Collect hands over pages as they come and then says that it has reached the end, by returning
// a Manifest with the number of resources of each kind that it handed over. A run is complete
// only when Collect returned no error, Manifest.Complete is true and the counts agree with what
// arrived (INV-07). Anything else is partial or failed: kept to be looked at, never used.
type Source interface {
	Describe() Description
	Collect(ctx context.Context, page func(Page) error) (Manifest, error)
}

// Description is what a source says of itself before it is run.
type Description struct {
	Kinds       []string // the resource kinds that it supplies, complete
	Reads       string   // what it reads, in a sentence that a person can check
	Permissions []string // what it must be allowed to do, least first
	Query       string   // the command, query or parameters, as an auditor should see them (no secrets)
	Version     string   // version of the interface it speaks to, where there is one
}

// Page is one batch of resources, with the raw answer that they were read from.
type Page struct {
	Resources []Resource
	Raw       []byte // the answer as it came, kept as a file; nil where there is none
}

// Resource is one thing that a source saw, normalised to a kind of section 8 of the domain model.
type Resource struct {
	Kind  string         `json:"kind"`
	Key   string         `json:"key"` // natural key: unique within source and kind, stable over runs
	Name  string         `json:"name"`
	Attrs map[string]any `json:"attrs"` // bool, int64, string, []string, or an RFC 3339 time as string; absent means unknown
	// Why holds, for attributes that could not be read, the reason: "needs root", "git does not record approvals".
	Why map[string]string `json:"why,omitempty"`
}

// Manifest is the end marker of a run.
type Manifest struct {
	Complete bool
	Reason   string         // why it is not complete; empty when it is
	Counts   map[string]int // resources handed over, by kind; a kind that was looked at and is empty stands here with 0
	Notes    []string       // what a person should know of how it was read, such as columns that were ignored
	Empty    string         // what to do if there was something before: set by a source that has nothing, and is not trusted in that
}

// Connector is one way to make sources: its name, what its configuration looks like, and how to make one.
type Connector struct {
	Name   string // "git"
	Title  string // "Git repository"
	Doc    string // one sentence
	Fields []ConfigField
	New    func(config json.RawMessage) (Source, error) // config is strictly decoded; errors name the field and the fix
	// Over makes a source over a file that was uploaded, of a connector that reads one file; nil where it reads none.
	Over func(config json.RawMessage, name string, open func() (io.ReadCloser, error)) (Source, error)
	// Exports are the known exports that an uploaded file looks like, best first; nil for a connector that knows none.
	Exports func(config json.RawMessage, name string, open func() (io.ReadCloser, error)) ([]Export, error)
}

// Export is a file that another program writes, and whose columns are mapped already.
type Export struct {
	Name  string `json:"name" doc:"Its name, for the field preset."`
	Title string `json:"title" doc:"What it is."`
	Doc   string `json:"about" doc:"Where it is made, and what it leaves unknown."`
	Kind  string `json:"kind" doc:"What its rows become."`
}

// Fault is one kind of fault in the content of a source.
type Fault struct {
	Column string `json:"column" doc:"The column; empty for the whole row or file."`
	Text   string `json:"text" doc:"The first of these faults: what is wrong and what to do."`
	Rows   []int  `json:"rows" doc:"The first rows that have it, at most 10; the heading is row 1, and 0 is the whole file."`
	Count  int    `json:"count" doc:"How often it occurs."`
	Field  string `json:"field" doc:"The field of the configuration that answers it, if one does."`
}

// Faulty is the cause in the error of a source whose content has faults, so that they can be told kind by kind.
type Faulty struct{ Faults []Fault }

func (f *Faulty) Error() string { return fmt.Sprintf("%d kinds of faults", len(f.Faults)) }

// ConfigField describes one field of a connector's configuration, for forms and help.
type ConfigField struct {
	Name, Doc, Example string
	Required, Secret   bool
	List               bool
	Values             []string // the only values there are, where that is so
}
