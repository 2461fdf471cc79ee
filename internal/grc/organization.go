// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"errors"
	"slices"
	"time"

	"assay/internal/clock"
	"assay/internal/errs"
	"assay/internal/kind"
	"assay/internal/op"
	"assay/internal/store"
)

// An Organization is the company that has something to prove. There is one for each ledger.
type Organization struct {
	kind.Meta
	Name                 string      `json:"name" doc:"Name of the organisation." min:"1" max:"200" list:""`
	LegalName            string      `json:"legal_name" doc:"Its name in contracts and reports." max:"200"`
	Timezone             string      `json:"timezone" doc:"IANA time zone that decides when a day starts and ends." default:"UTC"`
	Holidays             []kind.Date `json:"holidays" doc:"Holidays: days other than Saturdays and Sundays that are not business days."`
	FiscalYearStartMonth int64       `json:"fiscal_year_start_month" doc:"First month of the fiscal year." min:"1" max:"12" default:"1"`
	ProgrammeStart       kind.Date   `json:"programme_start" doc:"First day of the programme. Nothing due before it is expected. To change it, propose a change of scope." read:"only"`
	Sector               string      `json:"sector" doc:"Industry." max:"100"`
	IndustryPreset       Industry    `json:"industry_preset,omitempty" doc:"The industry whose usual scope is suggested to you. It changes nothing by itself." optional:""`
	Categories           []Category  `json:"categories" doc:"The trust services categories in scope. Security is always included. To change them, propose a change of scope." read:"only"`
	DataTypes            []DataType  `json:"data_types,omitempty" doc:"Types of data that you hold for your customers."`
	ExecutiveOwner       string      `json:"executive_owner" doc:"The person responsible for the programme." ref:"person"`
	SoloMode             bool        `json:"solo_mode" doc:"For a company run by one person: authors can approve their own work. Each such approval is marked and listed for the auditor."`
	PublicKey            string      `json:"public_key" doc:"The key that verifies this ledger's checkpoints." read:"only"`
}

// Category is one of the five trust services categories.
type Category string

// Values lists the categories.
func (Category) Values() []string {
	return []string{"security", "availability", "processing_integrity", "confidentiality", "privacy"}
}

// Organizations are the organisations.
var Organizations = kind.Kind[Organization]{
	Name: "organization", Plural: "organizations", Prefix: "org", Object: "organization", Label: "name", Create: kind.Never,
	Doc: "An organization is your company: its name, its time zone and what is in scope.",
	Check: func(_, n *Organization) error {
		if _, err := n.Zone(); err != nil {
			return err
		}
		if !slices.Contains(n.Categories, "security") {
			return errs.At("categories", "security is always in scope (INV-10)")
		}
		return nil
	},
}

// bySomebody holds that an active person who is signed in says whether one is enough: no program does.
func bySomebody(ctx context.Context, tx *store.Tx, was, now *Organization) error {
	if was.SoloMode == now.SoloMode {
		return nil
	}
	err := byActivePerson(ctx, tx)
	if errors.Is(err, errs.Denied) {
		e := errs.Public(err)
		return &errs.Error{Code: errs.Denied, Field: "solo_mode", Text: "can't be changed: " + e.Text, Fix: e.Fix}
	}
	return err
}

// byActivePerson refuses what no active person does who is signed in: a token, an agent and the command line are programs.
func byActivePerson(ctx context.Context, tx *store.Tx) error {
	if tx.By.Session == "" || tx.By.Via == "cli" || tx.By.Via == "mcp" {
		return errs.New(errs.Denied, "this takes a signed-in person: tokens, tools and the command line can't do it").Mend("sign in and do it in the browser")
	}
	return op.Present(ctx, &tx.View)
}

// Zone is the time zone of the organisation. One that is not known is an error and never UTC: another zone makes other days.
func (o *Organization) Zone() (*time.Location, error) {
	z, err := clock.Zone(o.Timezone)
	if err != nil {
		return nil, errs.At("timezone", "%.60q is not a time zone", o.Timezone).Mend("write it as Europe/Berlin or America/New_York").Because(err)
	}
	return z, nil
}

// A Person is a member of the workforce, with or without an account.
type Person struct {
	kind.Meta
	Name       string      `json:"name" doc:"Name." min:"1" max:"200" list:"" personal:""`
	Email      string      `json:"email" doc:"Work e-mail address." max:"254" index:"" list:"" personal:""`
	Kind       PersonKind  `json:"kind" doc:"Employee or contractor." index:"" list:"" default:"employee"`
	Manager    string      `json:"manager" doc:"Their manager." ref:"person" index:""`
	Department string      `json:"department" doc:"Their department." index:"" list:""`
	Title      string      `json:"title" doc:"Job title."`
	Country    string      `json:"country" doc:"Country of work, as two letters." max:"2"`
	StartOn    kind.Date   `json:"start_on" doc:"First day."`
	EndOn      kind.Date   `json:"end_on" doc:"Last day."`
	State      PersonState `json:"state" doc:"Current state." read:"only" index:"" list:"" default:"active"`
	Source     string      `json:"source" doc:"Where the record comes from: a source, by hand, or setup if nobody has confirmed it yet."`
}

// Where records of people come from.
const (
	FromSetup = "setup"   // Assay made it itself when it was set up: nobody has said yet that it is right
	ByHand    = "by hand" // a person made, changed or confirmed it
)

// Confirmed says whether a person or a source stands behind the record. One that Assay made itself proves nothing
// about the workforce.
func (p *Person) Confirmed() bool { return p.Source != FromSetup }

// PersonKind is employee or contractor.
type PersonKind string

// Values lists the kinds.
func (PersonKind) Values() []string { return []string{"employee", "contractor"} }

// PersonState is where a person stands.
type PersonState string

// Values lists the states.
func (PersonState) Values() []string { return []string{"candidate", "active", "leave", "terminated"} }

// People are the workforce.
var People = kind.Kind[Person]{
	Name: "person", Plural: "people", Prefix: "per", Object: "people", Label: "name",
	Doc: "A person is someone who works for you, with or without an account.",
	Check: func(o, n *Person) error {
		if o != nil && o.Source == FromSetup && n.Source == FromSetup {
			n.Source = ByHand // whoever saves a record stands behind it
		}
		if n.EndOn != "" && n.StartOn != "" && n.EndOn < n.StartOn {
			return errs.At("end_on", "is before start_on")
		}
		return nil
	},
	Moves: []kind.Move{
		{Verb: "start", Doc: "Record that a candidate starts, or that a person returns from leave.", From: []string{"candidate", "leave"}, To: "active", Act: "edit"},
		{Verb: "leave", Doc: "Record that a person goes on leave.", From: []string{"active"}, To: "leave", Act: "edit"},
		{Verb: "terminate", Doc: "Record that a person leaves the organisation.", From: []string{"candidate", "active", "leave"}, To: "terminated", Act: "edit", Takes: []string{"end_on"}, Wants: []string{"end_on"}},
	},
}

// A System is something the organisation runs, on which its service stands.
type System struct {
	kind.Meta
	Name        string `json:"name" doc:"Name." min:"1" max:"200" list:""`
	Summary     string `json:"summary" doc:"What it does." max:"2000"`
	Criticality int64  `json:"criticality" doc:"1 if the service stops without it, 2 if the business does, 3 otherwise." min:"1" max:"3" index:"" list:""`
	Environment string `json:"environment" doc:"production, staging, development …" index:"" list:"" default:"production"`
	Owner       string `json:"owner" doc:"The person responsible for it." ref:"person" index:"" list:""`
	InScope     bool   `json:"in_scope" doc:"Whether the report covers it." index:"" list:""`
	RTOMinutes  int64  `json:"rto_minutes" doc:"Recovery time objective, in minutes."`
	RPOMinutes  int64  `json:"rpo_minutes" doc:"Recovery point objective, in minutes."`
}

// Systems are the systems.
var Systems = kind.Kind[System]{
	Name: "system", Plural: "systems", Prefix: "sys", Object: "scope", Label: "name",
	Doc: "A system is software or infrastructure that your service depends on.",
}

// A Requirement is one criterion of a framework.
type Requirement struct {
	kind.Meta
	Framework string `json:"framework" doc:"Key of the framework, with its version." read:"only" index:""`
	Ref       string `json:"ref" doc:"Official number." read:"only" max:"20" index:"" list:""`
	Text      string `json:"text" doc:"What it is about, in our own words." read:"only" max:"2000" list:""`
	Series    string `json:"series" doc:"The group it belongs to." read:"only" index:""`
	Category  string `json:"category" doc:"The trust services category." read:"only" index:"" list:""`
	Position  int64  `json:"position" doc:"Position in the framework." read:"only" index:""`
	OwnText   string `json:"own_text" doc:"Licensed text that you imported. It is never exported." long:""`
}

// Requirements are the criteria. They come with their framework, whole: nobody adds one, ends one or moves it to another
// category. That one does not apply is a decision.
var Requirements = kind.Kind[Requirement]{
	Name: "requirement", Plural: "requirements", Prefix: "req", Object: "controls", Label: "ref", Key: "ref", Create: kind.Never,
	Doc: "A requirement is one criterion of a framework.",
}

// OrganizationOf reads the organisation of a view.
func OrganizationOf(ctx context.Context, v *store.View) (*Organization, error) {
	return store.Get(ctx, v, Organizations, v.Org)
}
