// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"assay/internal/errs"
	"assay/internal/op"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// described is what describe tells of one operation.
type described struct {
	Name  string `json:"name"`
	Doc   string `json:"doc"`
	Tool  string `json:"tool"`
	Input object `json:"input,omitempty"`
}

// describe adds the tool that tells what there is and what the caller may do with it. It reads nothing that is stored.
func describe(s *sdk.Server, g *op.Gate, who func(context.Context) op.Actor) {
	place := map[string]string{}
	kinds := []string{}
	for _, t := range tools(g.Set) {
		for _, o := range t.ops {
			place[o.Name] = t.name
		}
	}
	seen := map[string]bool{}
	for _, o := range g.All() {
		if !seen[o.Kind] {
			seen[o.Kind] = true
			kinds = append(kinds, o.Kind)
		}
	}
	schema := object{"type": "object", "additionalProperties": false, "properties": object{
		"kind": object{"type": "string", "enum": kinds, "description": "Tell all about this kind: its fields, its states, and the input of each operation. Without it, all kinds are listed."}}}
	no := false
	t := &sdk.Tool{Name: "describe", Description: "List the kinds of things and what you may do with them, or tell all about one kind. Start here.", InputSchema: schema,
		Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true, IdempotentHint: true, DestructiveHint: &no, OpenWorldHint: &no}}
	s.AddTool(t, func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		a := who(ctx)
		if a.ID == "" {
			return failed(errs.New(errs.Unsigned, "you are not signed in")), nil
		}
		var in map[string]string
		if len(r.Params.Arguments) > 0 && json.Unmarshal(r.Params.Arguments, &in) != nil {
			return failed(errs.At("kind", "wants a text")), nil
		}
		for n := range in {
			if n != "kind" {
				return failed(errs.At(n, "there is no such argument").Mend("the argument is kind")), nil
			}
		}
		var out object
		switch k := in["kind"]; {
		case k == "":
			out = overview(g, a, kinds)
		case !seen[k]:
			return failed(errs.At("kind", "there is no kind %q", clip(k)).Mend("call describe without a kind: it lists them")), nil
		default:
			out = one(g, a, k, place)
		}
		b, err := json.Marshal(out)
		if err != nil {
			return failed(fmt.Errorf("describe: %w", err)), nil
		}
		return &sdk.CallToolResult{Content: []sdk.Content{&sdk.TextContent{Text: string(b)}}, StructuredContent: json.RawMessage(b)}, nil
	})
}

// overview lists the kinds of which the caller may do anything.
func overview(g *op.Gate, a op.Actor, kinds []string) object {
	list := []object{}
	for _, k := range kinds {
		verbs := []string{}
		for _, o := range g.All() {
			if o.Kind == k && g.May(a, o.Name) {
				verbs = append(verbs, o.Verb)
			}
		}
		if len(verbs) == 0 {
			continue
		}
		x := object{"kind": k, "you_may": strings.Join(verbs, ", ")}
		if sh, ok := g.Shape(k); ok {
			x["doc"] = sh.Doc
		}
		list = append(list, x)
	}
	return object{"kinds": list}
}

// one tells all about a kind.
func one(g *op.Gate, a op.Actor, k string, place map[string]string) object {
	out := object{"kind": k}
	if sh, ok := g.Shape(k); ok {
		out["doc"] = sh.Doc
		fields := object{}
		for _, f := range sh.Fields {
			p := f.Schema()
			if f.Ref != "" {
				p["points_at"] = f.Ref
			}
			fields[f.Name] = p
		}
		out["fields"] = fields
		moves := []object{}
		for _, m := range sh.Moves {
			moves = append(moves, object{"operation": k + "." + m.Verb, "from": m.From, "to": m.To, "doc": m.Doc})
		}
		if len(moves) > 0 {
			out["moves"] = moves
		}
	}
	ops := []described{}
	for _, o := range g.All() {
		if o.Kind != k || !g.May(a, o.Name) {
			continue
		}
		d := described{Name: o.Name, Doc: o.Doc, Tool: place[o.Name]}
		if t := d.Tool; t != get && t != history && t != links && t != end {
			d.Input = o.InSchema
		}
		ops = append(ops, d)
	}
	out["operations"] = ops
	return out
}
