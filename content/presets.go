// SPDX-License-Identifier: Apache-2.0

package content

import (
	"embed"
	"sync"
)

//go:embed presets
var presetFiles embed.FS

// Preset maps the columns of an export that many companies have to a resource kind. It is offered where the heading of a
// file has its columns, and never applied without being named.
type Preset struct {
	ID    string `yaml:"id" json:"id"`
	Title string `yaml:"title" json:"title"`
	Doc   string `yaml:"doc" json:"doc"` // where the export is made, and what it leaves unknown
	Kind  string `yaml:"kind" json:"kind,omitempty"`
	// Compare is what the rows are, in place of Kind, where they are compared with the library and not imported: controls,
	// evidence or policies.
	Compare string   `yaml:"compare" json:"compare,omitempty"`
	Formats []string `yaml:"formats" json:"formats"`
	// Heading are the columns by which it is known. All others may be missing.
	Heading []string `yaml:"heading" json:"heading"`
	Without []string `yaml:"without" json:"without,omitempty"` // columns by which another export is known
	// Page is how many rows the system gives at most in one answer: a file with just as many may lack the rest.
	Page int `yaml:"page" json:"page,omitempty"`
	// Config are fields of the file connector. Instead are further columns, used for attributes that no other column gives.
	Config  map[string]any    `yaml:"config" json:"config"`
	Instead map[string]string `yaml:"instead" json:"instead,omitempty"`
}

// Presets reads the embedded presets.
var Presets = sync.OnceValues(func() ([]Preset, error) { return loadAll[Preset](presetFiles, "presets") })
