// SPDX-License-Identifier: Apache-2.0

package ui

import "time"

// Frame is everything around a page: where one is, who one is, and which moment one looks at.
type Frame struct {
	Title    string // of the browser's tab
	Section  string // key of the nav item that is lit
	Org      string
	Orgs     []Link // the other organisations of this person
	Person   string // name of who is signed in
	Email    string
	Now      time.Time // the present, in the organisation's zone
	AsOf     time.Time // the past moment that is shown; zero: the present
	Entry    int64     // ledger position that the page was read at
	Crumbs   []Link
	Nav      []NavItem // empty: Nav()
	Counts   map[string]int
	Toasts   []Toast
	Path     string // path and query of this page, for the way back from the date control
	Wide     bool   // grids take the whole width
	Dev      bool   // shows the design page in the menu
	LivePath string // where the live stream is; empty: none
}

// Past says whether the page shows a past moment. Then nothing can be changed.
func (f Frame) Past() bool { return !f.AsOf.IsZero() }

// Today names the day that the page shows.
func (f Frame) Today() string {
	if f.Past() {
		return "on " + Day(f.AsOf)
	}
	return "today"
}

// Moment is the moment that the page shows.
func (f Frame) Moment() time.Time {
	if f.Past() {
		return f.AsOf
	}
	return f.Now
}

// NavItem is a place in the left column.
type NavItem struct {
	Key, Text, Icon, Href string
	Go                    string // the letter after g
	Gap                   bool   // a little air above
}

// Nav is the left column as it is.
func Nav() []NavItem {
	return []NavItem{
		{"home", "Home", "home", "/", "h", false},
		{"monitoring", "Monitoring", "grid", "/monitoring", "m", false},
		{"controls", "Controls", "control", "/controls", "c", false},
		{"evidence", "Evidence", "evidence", "/evidence", "e", false},
		{"policies", "Policies", "policy", "/policies", "p", false},
		{"people", "People", "people", "/people", "l", false},
		{"tasks", "Tasks", "task", "/tasks", "t", true},
		{"exceptions", "Exceptions", "exception", "/exceptions", "x", false},
		{"systems", "Systems", "system", "/systems", "y", false},
		{"sources", "Sources", "source", "/sources", "s", true},
		{"changes", "What we changed", "edit", "/changes", "w", false},
		{"activity", "Activity", "activity", "/activity", "a", false},
		{"settings", "Settings", "settings", "/settings", ",", false},
	}
}

func (f Frame) nav() []NavItem {
	if len(f.Nav) > 0 {
		return f.Nav
	}
	return Nav()
}

// Toast is a short message about what was just done.
type Toast struct {
	Tone Tone
	Text string
	Link Link
}

// jump is a past day that the date control offers.
type jump struct {
	text string
	day  time.Time
}

func (f Frame) jumps() []jump {
	t := f.Now
	quarter := time.Date(t.Year(), (t.Month()-1)/3*3+1, 1, 0, 0, 0, 0, t.Location())
	return []jump{
		{"Yesterday", t.AddDate(0, 0, -1)},
		{"End of last month", time.Date(t.Year(), t.Month(), 0, 0, 0, 0, 0, t.Location())},
		{"End of last quarter", quarter.AddDate(0, 0, -1)},
		{"A year ago", t.AddDate(-1, 0, 0)},
	}
}
