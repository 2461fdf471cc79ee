// SPDX-License-Identifier: Apache-2.0

// Package content holds what Assay brings along: the criteria, the control library, the policy
// templates and the cross-references to other frameworks, as YAML that a person can read.
//
// It parses and checks those files, once, and hands them out typed. It does not know what a
// company made of them: overrides, decisions and owners are things of that company.
//
// The rule for evidence. A control without tests is proved by its evidence, so its standing
// evidence is required. A control with tests needs evidence only for what its text demands and
// none of its tests can see: a network diagram, a contact test, a list of people. Evidence that a
// test reads anyway is listed as supporting, for the auditor who wants to look. Evidence with the
// frequency per_event is required of each event: without an event nothing is missing.
package content

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"assay/internal/errs"
)

//go:embed frameworks controls policies crosswalk
var files embed.FS

// Framework is a list of criteria: those that controls must meet, or those that a description of
// the system must meet.
type Framework struct {
	Key        string      `json:"key"`
	Kind       string      `json:"kind"` // criteria or description
	Title      string      `json:"title"`
	Note       string      `json:"note,omitempty"`
	Categories []Category  `json:"categories,omitempty"`
	Series     []Series    `json:"series,omitempty"`
	Criteria   []Criterion `json:"criteria"`
}

// Category is one of the five trust services categories.
type Category struct {
	Key   string `json:"key"`
	Title string `json:"title"`
}

// Series is a group of criteria, such as CC6.
type Series struct {
	Key      string `json:"key"`
	Title    string `json:"title"`
	Category string `json:"category"`
}

// Criterion is one requirement: its official number and a short paraphrase of ours.
type Criterion struct {
	Ref      string `json:"ref"`
	Series   string `json:"series,omitempty"`
	Category string `json:"category,omitempty"`
	Order    int    `json:"order"`
	Text     string `json:"text"`

	// Of description criteria only.
	From         []string `json:"from,omitempty"` // the kinds of things that the answer is drawn from
	Type2Only    bool     `json:"type_2_only,omitempty"`
	CheckWording bool     `json:"check_wording,omitempty"` // compare the paraphrase with your own copy
}

// Policy is the template of one policy: what it must cover and how often it is reviewed.
type Policy struct {
	Ref             string   `json:"ref"`
	Title           string   `json:"title"`
	Kind            string   `json:"kind"`
	ReviewDays      int      `json:"review_days"`
	ReviewAlsoAfter string   `json:"review_also_after,omitempty"`
	Audience        []string `json:"audience"`
	Sections        []string `json:"sections"`
}

// Crosswalk is another framework that controls are mapped to. The mapping is help, never proof.
type Crosswalk struct {
	Key          string   `json:"key"`
	Field        string   `json:"field"` // the field of Standards that holds a control's references
	Title        string   `json:"title"`
	Note         string   `json:"note"`
	Complete     bool     `json:"complete"` // Requirements lists the whole framework, so a share of it means something
	Checked      Checked  `json:"checked"`
	Requirements []string `json:"requirements"`
}

// Checked says when the mappings were last read, all of them, and what they were compared with.
type Checked struct {
	On      string              `json:"on"`
	Against string              `json:"against,omitempty"` // a public crosswalk; empty where there is none to compare with
	Agreed  int                 `json:"agreed,omitempty"`  // mappings that the crosswalk has too
	Own     map[string][]string `json:"own,omitempty"`     // by control, those that it does not have: our own judgement
	Dropped int                 `json:"dropped,omitempty"` // mappings that were wrong
	Added   int                 `json:"added,omitempty"`   // mappings that were missing
}

// SOC2 returns the framework of the 61 criteria.
func SOC2() (Framework, error) { return framework("soc2-2017r2022") }

// Description returns the framework of the nine description criteria.
func Description() (Framework, error) { return framework("soc2-description") }

// Controls returns the control library, family by family. What it returns is shared: do not change it.
func Controls() ([]Control, error) { return loadControls() }

// Families returns the families of the control library in their usual order, with their controls.
func Families() ([]Family, error) { return loadFamilies() }

// Policies returns the policy templates. What it returns is shared: do not change it.
func Policies() ([]Policy, error) { return loadPolicies() }

// Crosswalks returns the other frameworks. What it returns is shared: do not change it.
func Crosswalks() ([]Crosswalk, error) { return loadCrosswalks() }

// Files are the embedded files themselves, for whoever wants to show or export them.
func Files() fs.FS { return files }

var (
	loadFrameworks = sync.OnceValues(func() ([]Framework, error) { return decodeAll[Framework]("frameworks") })
	loadCrosswalks = sync.OnceValues(func() ([]Crosswalk, error) { return decodeAll[Crosswalk]("crosswalk") })

	loadPolicies = sync.OnceValues(func() ([]Policy, error) {
		all, err := loadPolicyFiles()
		return all.Policies, err
	})

	loadFamilies = sync.OnceValues(func() ([]Family, error) {
		fams, err := readFolder("controls", ParseFamily)
		slices.SortStableFunc(fams, func(a, b Family) int { return a.Order - b.Order })
		return fams, err
	})

	loadControls = sync.OnceValues(func() ([]Control, error) {
		fams, err := loadFamilies()
		if err != nil {
			return nil, err
		}
		var cs []Control
		for _, f := range fams {
			cs = append(cs, f.Controls...)
		}
		return cs, nil
	})
)

func framework(key string) (Framework, error) {
	all, err := loadFrameworks()
	if err != nil {
		return Framework{}, err
	}
	i := slices.IndexFunc(all, func(f Framework) bool { return f.Key == key })
	if i < 0 {
		return Framework{}, fmt.Errorf("embedded framework %s is not there", key)
	}
	return all[i], nil
}

// decodeAll reads every file of a folder as one T each.
func decodeAll[T any](folder string) ([]T, error) {
	return readFolder(folder, func(name string, data []byte) (T, error) {
		var x T
		err := DecodeYAML(data, name, &x)
		return x, err
	})
}

// readFolder parses every YAML file of a folder, in the order of their names.
func readFolder[T any](folder string, parse func(name string, data []byte) (T, error)) ([]T, error) {
	names, err := fs.Glob(files, folder+"/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list embedded %s: %w", folder, err)
	}
	var out []T
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read embedded %s: %w", name, err)
		}
		x, err := parse(name, data)
		if err != nil {
			return nil, fmt.Errorf("parse embedded %s: %w", name, err)
		}
		out = append(out, x)
	}
	return out, nil
}

// Family is one file of the control library.
type Family struct {
	Family   string    `json:"family"`
	Title    string    `json:"title"`
	Order    int       `json:"order"`
	Controls []Control `json:"controls"`
}

// Control is one control of the library.
type Control struct {
	Ref       string         `json:"ref"`
	Title     string         `json:"title"`
	Text      string         `json:"text"`
	Set       string         `json:"set"` // base, optional, or the category whose pack it belongs to
	Weight    int            `json:"weight"`
	Frequency Frequency      `json:"frequency"`
	Purpose   string         `json:"purpose"`   // preventive, detective, corrective
	Operation string         `json:"operation"` // manual, automated, both
	Owner     string         `json:"owner"`     // a role; the company names the person
	Policies  []string       `json:"policies"`
	Criteria  []string       `json:"criteria"`
	Tests     []ControlTest  `json:"tests,omitempty"`
	Evidence  []EvidenceKind `json:"evidence"`
	Tasks     []string       `json:"tasks"`
	Crosswalk Standards      `json:"crosswalk"`
}

// ControlTest links a control to a test. A supporting test never changes the control's letter.
type ControlTest struct {
	Test         string   `json:"test"`
	Role         string   `json:"role"`                    // required or supporting
	OnlyPolicies []string `json:"only_policies,omitempty"` // the test counts for this control on these policies alone
}

// EvidenceKind is one thing that a control is proved or supported by.
type EvidenceKind struct {
	Key       string    `json:"key"` // unique within the control, never changed
	Title     string    `json:"title"`
	Type      string    `json:"type"`
	Frequency Frequency `json:"frequency"`
	// ValidityDays is how long a piece stays current: F-04 by frequency where the file says
	// nothing, and 0 for what is kept with its event and does not expire.
	ValidityDays int  `json:"validity_days,omitempty"`
	Required     bool `json:"required"`
}

// Standards holds the references of a control in other frameworks.
type Standards struct {
	ISO27001 []string `json:"iso_27001,omitempty"`
	NISTCSF  []string `json:"nist_csf,omitempty"`
	HIPAA    []string `json:"hipaa,omitempty"`
	GDPR     []string `json:"gdpr,omitempty"`
	CCPA     []string `json:"ccpa,omitempty"`
}

// Frequency is how often something is due.
type Frequency string

// The frequencies, with their letters in reports.
const (
	Continuous Frequency = "continuous"  // C
	Daily      Frequency = "daily"       // D
	Weekly     Frequency = "weekly"      // W
	Monthly    Frequency = "monthly"     // M
	Quarterly  Frequency = "quarterly"   // Q
	HalfYearly Frequency = "half_yearly" // S
	Yearly     Frequency = "yearly"      // A
	PerEvent   Frequency = "per_event"   // E
)

var validity = map[Frequency]int{Continuous: 2, Daily: 2, Weekly: 10, Monthly: 38, Quarterly: 106, HalfYearly: 198, Yearly: 380, PerEvent: 0}

// ValidityDays is the default of F-04.
func (f Frequency) ValidityDays() int { return validity[f] }

// EvidenceTypes are the types of evidence.
func EvidenceTypes() []string {
	return []string{"screenshot", "log", "ticket", "approval", "report", "policy", "access_review", "training_record", "vendor_review",
		"incident_test", "scan_result", "configuration_export", "population", "attestation", "minutes", "other"}
}

// In returns the references that c has in the crosswalk's framework.
func (x Crosswalk) In(c Control) []string {
	switch x.Field {
	case "iso_27001":
		return c.Crosswalk.ISO27001
	case "nist_csf":
		return c.Crosswalk.NISTCSF
	case "hipaa":
		return c.Crosswalk.HIPAA
	case "gdpr":
		return c.Crosswalk.GDPR
	case "ccpa":
		return c.Crosswalk.CCPA
	}
	return nil
}

// ForCategories returns the controls that a scope starts with: the base set, and the pack of every
// category in it. Optional controls are left for the company to choose.
func ForCategories(all []Control, categories ...string) []Control {
	var cs []Control
	for _, c := range all {
		if c.Set == "base" || slices.Contains(categories, c.Set) {
			cs = append(cs, c)
		}
	}
	return cs
}

// ParseFamily reads one file of controls, strictly. Its errors name the file and the place, and
// may be shown to whoever wrote the file.
func ParseFamily(name string, data []byte) (Family, error) {
	var f Family
	if err := DecodeYAML(data, name, &f); err != nil {
		return f, err
	}
	for i := range f.Controls {
		c := &f.Controls[i]
		for j := range c.Evidence {
			if e := &c.Evidence[j]; e.ValidityDays == 0 {
				e.ValidityDays = e.Frequency.ValidityDays()
			}
		}
		if err := c.check(); err != nil {
			return f, errs.At(name, "%s: %v", c.Ref, err)
		}
	}
	return f, nil
}

func (c *Control) check() error {
	switch {
	case c.Ref == "" || c.Title == "" || c.Text == "":
		return errors.New("ref, title and text are needed")
	case c.Weight != 1 && c.Weight != 2:
		return errors.New("weight is 1, or 2 for a key control")
	case len(c.Criteria) == 0:
		return errors.New("criteria: name at least one")
	case twice(c.Criteria):
		return errors.New("criteria: name each one once, or the control counts twice")
	case len(c.Tests) == 0 && !slices.ContainsFunc(c.Evidence, func(e EvidenceKind) bool { return e.Required }):
		return errors.New("a control without tests needs a piece of required evidence")
	}
	if err := oneOf("set", c.Set, "base", "optional", "availability", "processing_integrity", "confidentiality", "privacy"); err != nil {
		return err
	}
	if err := oneOf("purpose", c.Purpose, "preventive", "detective", "corrective"); err != nil {
		return err
	}
	if err := oneOf("operation", c.Operation, "manual", "automated", "both"); err != nil {
		return err
	}
	if err := c.Frequency.check("frequency"); err != nil {
		return err
	}
	for _, t := range c.Tests {
		if err := oneOf("role of "+t.Test, t.Role, "required", "supporting"); err != nil {
			return err
		}
	}
	return c.checkEvidence()
}

func (c *Control) checkEvidence() error {
	seen := map[string]bool{}
	for _, e := range c.Evidence {
		if e.Key == "" || e.Title == "" || seen[e.Key] {
			return fmt.Errorf("evidence %q: key and title are needed, and each key once", e.Key)
		}
		seen[e.Key] = true
		if err := oneOf("type of evidence "+e.Key, e.Type, EvidenceTypes()...); err != nil {
			return err
		}
		if err := e.Frequency.check("frequency of evidence " + e.Key); err != nil {
			return err
		}
	}
	return nil
}

func (f Frequency) check(field string) error {
	return oneOf(field, string(f), "continuous", "daily", "weekly", "monthly", "quarterly", "half_yearly", "yearly", "per_event")
}

func twice(refs []string) bool {
	sorted := slices.Sorted(slices.Values(refs))
	return len(slices.Compact(sorted)) < len(refs)
}

func oneOf(field, got string, allowed ...string) error {
	if slices.Contains(allowed, got) {
		return nil
	}
	return fmt.Errorf("%s is %q; it must be one of %v", field, got, allowed)
}
