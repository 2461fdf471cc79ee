// SPDX-License-Identifier: Apache-2.0

package content

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"assay/internal/errs"

	"github.com/goccy/go-yaml"
)

// Rules holds what the rule engine works with: the resource kinds and the test catalogue.
//
//go:embed resources tests
var Rules embed.FS

// ResourceKind is one sort of thing that sources supply: its attributes and what it can be joined to.
type ResourceKind struct {
	Kind       string      `yaml:"kind" json:"kind"`
	Title      string      `yaml:"title" json:"title"` // plural, plain words: "identities"
	Doc        string      `yaml:"doc" json:"doc"`
	Sources    string      `yaml:"sources" json:"sources"`
	From       []string    `yaml:"from" json:"from,omitempty"`           // what a person connects or exports to have them, as it goes after "connect"
	Connector  string      `yaml:"connector" json:"connector,omitempty"` // the built-in connector made for them; without one a file is imported
	About      string      `yaml:"about" json:"about,omitempty"`         // of what a company records itself: the subject, plural
	NeverEmpty bool        `yaml:"never_empty" json:"never_empty"`       // zero of them is an error, not a fact (INV-08)
	Register   string      `yaml:"register" json:"register,omitempty"`   // of internal kinds: kept, or none where Assay has no register of them yet
	Attributes []Attribute `yaml:"attributes" json:"attributes"`
	Joins      []Join      `yaml:"joins" json:"joins,omitempty"`
}

// Attribute is one typed attribute. A value that is not of the type, or not one of Values, counts as unknown.
type Attribute struct {
	Name   string   `yaml:"name" json:"name"`
	Type   string   `yaml:"type" json:"type"` // bool, int, string, time, date, strings, ints
	Values []string `yaml:"values" json:"values,omitempty"`
	// Past says of a time or day whether it is that of an event that has happened. One that lies more than a day
	// ahead of the collection is then unknown. Due days and ends may lie ahead.
	Past *bool `yaml:"past" json:"past,omitempty"`
	// IgnoreCase says that letter case does not count where its value is compared: of addresses, logins and other names of people.
	IgnoreCase bool `yaml:"ignore_case" json:"ignore_case,omitempty"`
	// Default is what holds where a source says nothing of it, and gives no reason why: only a value that judges more strictly, or that asks nothing more.
	Default any    `yaml:"default" json:"default,omitempty"`
	Doc     string `yaml:"doc" json:"doc"`
}

// The registers of internal kinds.
const (
	RegisterKept = "kept" // Assay keeps them itself: no source supplies them
	RegisterNone = "none" // Assay has no register yet: sources may supply them, and they are marked as imported
)

// Imported is the attribute that marks a resource of a register that Assay does not have yet. No source sets it.
const Imported = "imported"

// InPast says whether the attribute is the time of an event that has happened.
func (a Attribute) InPast() bool { return a.Past != nil && *a.Past }

// Timed says whether the attribute is a time or a day.
func (a Attribute) Timed() bool { return a.Type == "time" || a.Type == "date" }

// Decided refuses a kind with a time of which nobody has decided whether it may lie ahead, and an internal kind of
// which nobody has decided who keeps it.
func (k ResourceKind) Decided() error {
	for _, a := range k.Attributes {
		switch {
		case a.Timed() && a.Past == nil:
			return errs.At(k.Kind+"."+a.Name, "nobody has decided whether it may lie in the future").
				Mend("add past: true for the time of an event that has happened, and past: false for a due date or an end")
		case !a.Timed() && a.Past != nil:
			return errs.At(k.Kind+"."+a.Name, "past is for times and days").Mend("remove past")
		case a.IgnoreCase && (a.Type != "string" && a.Type != "strings" || len(a.Values) > 0):
			return errs.At(k.Kind+"."+a.Name, "ignore_case is for texts without a list of values").Mend("remove ignore_case")
		}
	}
	if internal := strings.HasPrefix(k.Kind, "internal."); internal != slices.Contains([]string{RegisterKept, RegisterNone}, k.Register) {
		return errs.At(k.Kind+".register", "%q does not fit: internal kinds have %s or %s, and no others have one", k.Register, RegisterKept, RegisterNone)
	}
	return nil
}

// Join names resources of another kind that belong to this one: By here equals one of To there.
// Without Many it is one resource; Latest or First says which, when there are several.
type Join struct {
	Name   string              `yaml:"name" json:"name"`
	Kinds  []string            `yaml:"kinds" json:"kinds"`
	By     string              `yaml:"by" json:"by"`
	Or     []string            `yaml:"or" json:"or,omitempty"` // further attributes here that one of To there may equal: a person goes by id or by address
	To     []string            `yaml:"to" json:"to"`
	Where  map[string][]string `yaml:"where" json:"where,omitempty"`
	Except map[string][]string `yaml:"except" json:"except,omitempty"` // those that have one of these values are left out
	Latest string              `yaml:"latest" json:"latest,omitempty"`
	First  string              `yaml:"first" json:"first,omitempty"`
	Many   bool                `yaml:"many" json:"many,omitempty"`
	// Optional says that finding none is an answer. Otherwise it is a broken reference, and unknown.
	Optional bool   `yaml:"optional" json:"optional,omitempty"`
	Spare    bool   `yaml:"spare" json:"spare,omitempty"` // tests are judged also where no source supplies the kinds: it then leads to none
	Doc      string `yaml:"doc" json:"doc"`
}

// Test is one control test: which resources it looks at, and what must hold for them.
type Test struct {
	ID            string            `yaml:"id" json:"id"`
	Title         string            `yaml:"title" json:"title"`
	Doc           string            `yaml:"doc" json:"doc,omitempty"`
	Beyond        bool              `yaml:"beyond" json:"beyond,omitempty"` // not among the tests of the specification
	Kind          string            `yaml:"kind" json:"kind"`
	Severity      string            `yaml:"severity" json:"severity"` // critical, high, medium, low
	IntervalHours int               `yaml:"interval_hours" json:"interval_hours"`
	Over          string            `yaml:"over" json:"over,omitempty"` // each (the default), group, all
	By            []string          `yaml:"by" json:"by,omitempty"`     // the attributes that make a group
	Latest        string            `yaml:"latest" json:"latest,omitempty"`
	Expect        *Expect           `yaml:"expect" json:"expect,omitempty"`
	Counts        map[string]string `yaml:"counts" json:"counts,omitempty"`
	Params        map[string]any    `yaml:"params" json:"params,omitempty"`
	Filter        string            `yaml:"filter" json:"filter"`
	Event         *Event            `yaml:"event" json:"event,omitempty"`
	Condition     string            `yaml:"condition" json:"condition"`   // of an event: what must hold besides once it is done
	Empty         string            `yaml:"empty" json:"empty,omitempty"` // not_applicable (the default), fail, error
	Message       string            `yaml:"message" json:"message"`
	Observed      []string          `yaml:"observed" json:"observed"`
	Missing       string            `yaml:"missing" json:"missing,omitempty"` // what a row that is not there hides, and what shows it
	Controls      []ControlLink     `yaml:"controls" json:"controls"`
	Fixtures      *Fixtures         `yaml:"fixtures" json:"fixtures,omitempty"`
}

// Event says when what a resource tells of was due, and when it was done: the test then judges it in a window. All three
// are expressions that come to a time, or to null.
type Event struct {
	Due  string `yaml:"due" json:"due"`
	Done string `yaml:"done" json:"done,omitempty"` // null until then; without it the event is of one moment, and Condition says whether it was right
	// Ends says until when a lapse that nobody makes good counts as open; without it, or while it is null, it stays open.
	Ends string `yaml:"ends" json:"ends,omitempty"`
}

// WindowNames are the examples beside the four that every test over events carries.
var WindowNames = []string{"before_start", "old_lapse", "made_good", "today", "open", "tomorrow"}

// Code lists the expressions that decide, each with its name.
func (t *Test) Code() [][2]string {
	var out [][2]string
	add := func(name, src string) {
		if src = strings.TrimSpace(src); src != "" {
			out = append(out, [2]string{name, src})
		}
	}
	if x := t.Event; x != nil {
		add("due", x.Due)
		add("done", x.Done)
		add("ends", x.Ends)
	}
	add("condition", t.Condition)
	return out
}

// Expect says for which resources of another kind there must be a row here: each of that kind for which Where holds.
// In a test over groups that is a group, which fails where it is empty and the condition asks for members.
type Expect struct {
	Kind  string `yaml:"kind" json:"kind"`
	Key   string `yaml:"key" json:"key"` // the attribute there that one of By here equals; id stands for the name too
	Where string `yaml:"where" json:"where,omitempty"`
	// By are the attributes here; without them it is the (one) attribute that makes a group.
	By []string `yaml:"by" json:"by,omitempty"`
	// Also are further attributes here that one row must share with the resource there, by name there. What is not
	// known on either side, and a pattern here (*, ~), counts as shared. Only for tests over each resource.
	Also map[string]string `yaml:"also" json:"also,omitempty"`
	// Among says which rows here count; without it, those that the filter lets through.
	Among string `yaml:"among" json:"among,omitempty"`
	// Optional says that nothing is expected where no source supplies Kind.
	Optional bool `yaml:"optional" json:"optional,omitempty"`
	// Else is what a missing row comes to: fail (the default) or unknown.
	Else    string `yaml:"else" json:"else,omitempty"`
	Message string `yaml:"message" json:"message,omitempty"` // in the words of Kind
}

// ControlLink ties a test to a control. A supporting test never changes the letter of the control's day.
type ControlLink struct {
	ID   string `yaml:"id" json:"id"`
	Role string `yaml:"role" json:"role"` // required, supporting
}

// Fixtures are the four examples that every test carries. All source kinds count as completely read.
type Fixtures struct {
	Now     string  `yaml:"now" json:"now"`
	Pass    Fixture `yaml:"pass" json:"pass"`
	Fail    Fixture `yaml:"fail" json:"fail"`
	Empty   Fixture `yaml:"empty" json:"empty"`
	Unknown Fixture `yaml:"unknown" json:"unknown"`
	// More are further examples by name: a shape of real systems, or a fault that there once was.
	More map[string]Fixture `yaml:"more" json:"more,omitempty"`

	Window map[string]WindowFixture `yaml:"window" json:"window,omitempty"` // of a test over events
}

// WindowFixture shows how an event is judged as time goes by.
type WindowFixture struct {
	Expect         string                      `yaml:"expect" json:"expect"`
	OnDay          string                      `yaml:"on_day" json:"on_day"`                             // what the letter of the day takes
	Late           int                         `yaml:"late" json:"late,omitempty"`                       // lapses of the window that are over
	ProgrammeStart string                      `yaml:"programme_start" json:"programme_start,omitempty"` // a date; nothing that was due before is judged
	Given          map[string][]map[string]any `yaml:"given" json:"given"`
}

// Fixture is a set of resources by kind, and the state that the test must come to.
// A resource is its attributes; id is its natural key, and present: false says that it is gone.
type Fixture struct {
	Expect string                      `yaml:"expect" json:"expect"`
	Says   string                      `yaml:"says" json:"says,omitempty"` // what its reason contains
	Given  map[string][]map[string]any `yaml:"given" json:"given"`
}

// ResourceKinds returns the resource kinds, each with the attributes that all kinds have. What it returns is shared: do not change it.
func ResourceKinds() ([]ResourceKind, error) { return loadKinds() }

var loadKinds = sync.OnceValues(func() ([]ResourceKind, error) {
	all, err := loadAll[ResourceKind](Rules, "resources")
	if err != nil {
		return nil, err
	}
	var shared []Attribute
	kinds := make([]ResourceKind, 0, len(all))
	for _, k := range all {
		if k.Kind == "*" {
			shared = append(shared, k.Attributes...)
			continue
		}
		kinds = append(kinds, k)
	}
	for i := range kinds {
		kinds[i].inherit(shared)
		if err := kinds[i].Decided(); err != nil {
			return nil, err
		}
	}
	return kinds, nil
})

func (k *ResourceKind) inherit(shared []Attribute) {
	for _, a := range shared {
		if !slices.ContainsFunc(k.Attributes, func(own Attribute) bool { return own.Name == a.Name }) {
			k.Attributes = append(k.Attributes, a)
		}
	}
}

// Tests reads the embedded test catalogue.
func Tests() ([]Test, error) { return loadAll[Test](Rules, "tests") }

// loadAll reads every YAML file of a folder, in name order; each file is a list.
func loadAll[T any](from fs.FS, folder string) ([]T, error) {
	names, err := fs.Glob(from, folder+"/*.yaml")
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", folder, err)
	}
	var all []T
	for _, name := range names {
		data, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		var part []T
		if err := DecodeYAML(data, name, &part); err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
	return all, nil
}

// DecodeYAML reads YAML strictly into v. The error names the file and the line; an unknown field is an error.
func DecodeYAML(data []byte, filename string, v any) (err error) {
	defer func() {
		if p := recover(); p != nil { // the library has faults on odd tags; a file must not stop the program
			err = errs.At(filename, "it is not YAML that can be read").Because(fmt.Errorf("decode %s: %v", filename, p))
		}
	}()
	if line := tooDeep(data); line > 0 {
		return errs.At(filename+":"+strconv.Itoa(line), "it is nested too deeply")
	}
	err = yaml.NewDecoder(bytes.NewReader(data), yaml.Strict()).Decode(v)
	if err == nil {
		return nil
	}
	where, text := filename, err.Error()
	var located yaml.Error
	if errors.As(err, &located) {
		text = located.GetMessage()
		if tk := located.GetToken(); tk != nil && tk.Position != nil {
			where += ":" + strconv.Itoa(tk.Position.Line)
		}
	}
	return errs.At(where, "%s", plainYAML(text)).Because(err)
}

const deepestYAML = 64

// tooDeep gives the line from which a file is nested more deeply than anybody writes, or 0. The
// library needs memory without bound for such a file, so it must not see one.
func tooDeep(data []byte) int {
	open, run, line := 0, 0, 1
	for _, c := range data {
		switch c {
		case '[', '{':
			open++
		case ']', '}':
			open--
		case '\n':
			line, run = line+1, 0
		}
		if c == ' ' || c == '-' || c == '?' || c == '\t' {
			run++
		} else {
			run = 0
		}
		if open > deepestYAML || run > 4*deepestYAML {
			return line
		}
	}
	return 0
}

var goType = regexp.MustCompile(`cannot unmarshal (\w+) into Go (?:struct field \S+|value) of type (\S+)`)

// plainYAML turns the library's wording into ours.
func plainYAML(text string) string {
	if m := goType.FindStringSubmatch(text); m != nil {
		return fmt.Sprintf("this is a %s, and a %s is wanted", m[1], m[2])
	}
	return strings.TrimSpace(text)
}
