// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"context"
	"fmt"
	"slices"

	"assay/content"
	"assay/internal/errs"
	"assay/internal/store"
)

// Industry is the key of a preset: what companies of an industry usually take into scope.
type Industry string

// Values lists the industries.
func (Industry) Values() []string {
	all, _ := content.Industries() // that they can be read is held by a test
	var out []string
	for _, x := range all {
		out = append(out, x.Key)
	}
	return out
}

type suggestIn struct {
	Industry Industry `json:"industry" doc:"The industry."`
}

// SuggestedScope is what the preset of an industry proposes. Nothing is changed by it.
type SuggestedScope struct {
	Industry   Industry            `json:"industry" doc:"The industry."`
	Title      string              `json:"title" doc:"Its name."`
	Categories []SuggestedCategory `json:"categories" doc:"Categories beside security."`
	Controls   []SuggestedControl  `json:"controls" doc:"Optional controls that fit."`
	DataTypes  []DataType          `json:"data_types" doc:"Types of data that such companies usually hold."`
	Frameworks []string            `json:"frameworks" doc:"Other frameworks that usually matter."`
}

// SuggestedCategory is a category, why, and what would come with it.
type SuggestedCategory struct {
	Category Category `json:"category" doc:"The category."`
	Reason   string   `json:"reason" doc:"Why."`
	InScope  bool     `json:"in_scope" doc:"Whether it is in scope already."`
	Controls []string `json:"controls" doc:"Library controls that would come into force."`
	Policies []string `json:"policies" doc:"Policies that would become required."`
}

// SuggestedControl is an optional control, and how it stands.
type SuggestedControl struct {
	Ref   string       `json:"ref" doc:"Its short name."`
	Title string       `json:"title" doc:"Title."`
	State ControlState `json:"state" doc:"Current state."`
}

// suggestScope says what the preset of an industry proposes for the organisation as it is.
func suggestScope(ctx context.Context, v *store.View, in suggestIn) (*SuggestedScope, error) {
	o, err := OrganizationOf(ctx, v)
	if err != nil {
		return nil, err
	}
	x, err := industry(in.Industry)
	if err != nil {
		return nil, err
	}
	out := &SuggestedScope{Industry: in.Industry, Title: x.Title, Categories: []SuggestedCategory{}, DataTypes: []DataType{}, Frameworks: []string{}}
	for _, d := range x.DataTypes {
		out.DataTypes = append(out.DataTypes, DataType(d))
	}
	for _, p := range x.Categories {
		c, err := suggested(ctx, v, o, p)
		if err != nil {
			return nil, err
		}
		out.Categories = append(out.Categories, c)
	}
	if out.Controls, err = optional(ctx, v, x.Controls); err != nil {
		return nil, err
	}
	walks, err := content.Crosswalks()
	for _, w := range walks {
		if slices.Contains(x.Crosswalks, w.Key) {
			out.Frameworks = append(out.Frameworks, w.Title)
		}
	}
	return out, err
}

// industry finds a preset.
func industry(key Industry) (content.Industry, error) {
	all, err := content.Industries()
	if err != nil {
		return content.Industry{}, fmt.Errorf("read industries: %w", err)
	}
	i := slices.IndexFunc(all, func(x content.Industry) bool { return x.Key == string(key) })
	if i < 0 {
		return content.Industry{}, errs.At("industry", "%.40q is not an industry", string(key)).Mend("choose one of %v", key.Values())
	}
	return all[i], nil
}

// suggested says of one category what would come with it.
func suggested(ctx context.Context, v *store.View, o *Organization, p content.IndustryCategory) (SuggestedCategory, error) {
	c := SuggestedCategory{Category: Category(p.Key), Reason: p.Reason, InScope: slices.Contains(o.Categories, Category(p.Key)), Controls: []string{}, Policies: []string{}}
	brings, err := packOf(ctx, v, o.Categories, []Category{c.Category})
	if err != nil {
		return c, err
	}
	required, err := notYetRequired(ctx, v, brings.policies)
	c.Controls, c.Policies = append(c.Controls, brings.refs()...), append(c.Policies, required...)
	return c, err
}

// optional are controls by their refs, as they stand.
func optional(ctx context.Context, v *store.View, refs []string) ([]SuggestedControl, error) {
	out := []SuggestedControl{}
	all, err := store.All(ctx, v, Controls, map[string]any{"ref": refs})
	for _, c := range all {
		out = append(out, SuggestedControl{c.Ref, c.Title, c.State})
	}
	slices.SortFunc(out, func(a, b SuggestedControl) int { return slices.Index(refs, a.Ref) - slices.Index(refs, b.Ref) })
	return out, err
}
