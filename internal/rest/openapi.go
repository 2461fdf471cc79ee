// SPDX-License-Identifier: Apache-2.0

package rest

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"assay/internal/kind"
	"assay/internal/op"
)

type object = map[string]any

// document writes /openapi.json from the list of operations, and its ETag.
func document(set *op.Set, opt Options) ([]byte, string) {
	d := &writer{set: set, schemas: object{"problem": outward(problem{})}}
	paths, tags := object{}, []object{}
	for _, o := range set.All() {
		method, path := o.Route()
		p, _ := paths[path].(object)
		if p == nil {
			p = object{}
			paths[path] = p
		}
		p[strings.ToLower(method)] = d.operation(o, method, path)
		if !slices.ContainsFunc(tags, func(t object) bool { return t["name"] == o.Kind }) {
			t := object{"name": o.Kind}
			if sh, ok := set.Shape(o.Kind); ok {
				t["description"] = sh.Doc
			}
			tags = append(tags, t)
		}
	}
	filePaths(set, paths)
	server, version, cookie := opt.Server, opt.Version, opt.Cookie
	if cookie == "" {
		cookie = "__Host-assay"
	}
	if server == "" {
		server = "/"
	}
	if version == "" {
		version = "0"
	}
	doc := object{
		"openapi": "3.1.1",
		"info": object{"title": "Assay", "version": version, "license": object{"name": "Apache-2.0", "identifier": "Apache-2.0"},
			"description": "Every operation of Assay. Lists give data and, where there is more, next. Reads take as_of: a moment past. A change of a thing wants its revision, as rev in the body or as If-Match. Errors are RFC 9457 problems that name the field and the fix."},
		"servers":  []object{{"url": server}},
		"security": []object{{"token": []string{}}, {"session": []string{}}},
		"tags":     tags,
		"paths":    paths,
		"components": object{
			"schemas": d.schemas,
			"securitySchemes": object{
				"token":   object{"type": "http", "scheme": "bearer", "description": "An API token of your organisation."},
				"session": object{"type": "apiKey", "in": "cookie", "name": cookie, "description": "The session of a signed-in browser."}},
			"responses": object{"problem": object{"description": "The request was not carried out, and nothing was written.",
				"content": object{"application/problem+json": object{"schema": ref("problem")}}}},
			"headers": object{
				"entry": object{"description": "Number of the ledger entry that holds what was written.", "schema": object{"type": "integer"}},
				"leaf":  object{"description": "Hash of the leaf of that entry, in hex: keep it, and you can prove the entry later.", "schema": object{"type": "string"}}},
		},
	}
	b, err := json.Marshal(doc)
	if err != nil {
		panic(fmt.Sprintf("openapi: %v", err)) // schemas are maps of plain values: met by every test
	}
	return b, fmt.Sprintf("%q", fmt.Sprintf("%x", sha256.Sum256(b))[:16])
}

type writer struct {
	set     *op.Set
	schemas object
}

func ref(name string) object { return object{"$ref": "#/components/schemas/" + name} }

// outward is the schema of a struct of this package.
func outward(v any) object {
	s := kind.Schema(kind.Fields(reflect.TypeOf(v)), true)
	delete(s, "additionalProperties")
	s["required"] = []string{"type", "title", "status", "detail", "code", "request_id"}
	return s
}

func (d *writer) operation(o *op.Op, method, path string) object {
	out := object{"operationId": o.Name, "summary": strings.TrimSuffix(o.Doc, "."), "description": o.Doc, "tags": []string{o.Kind}}
	if o.Example != "" {
		out["x-command-line"] = "assay " + o.Example
	}
	params := []object{}
	if strings.Contains(path, "{id}") {
		params = append(params, object{"name": "id", "in": "path", "required": true, "description": "Identifier.", "schema": object{"type": "string"}})
	}
	if method == http.MethodGet {
		params = append(params, d.query(o, path)...)
	} else {
		out["requestBody"] = d.requestBody(o, path)
	}
	if o.Writes {
		params = append(params, object{"name": "Idempotency-Key", "in": "header", "schema": object{"type": "string", "maxLength": 200},
			"description": "A key of your choice. A request that is sent again with the same key within a day gets the first answer and does nothing."})
	}
	if o.Versioned {
		params = append(params, object{"name": "If-Match", "in": "header", "schema": object{"type": "string"}, "description": "The ETag of the thing as you saw it; in place of rev in the body."})
	}
	out["parameters"] = params
	out["responses"] = d.responses(o)
	return out
}

// query describes the parameters of a read.
func (d *writer) query(o *op.Op, path string) []object {
	var out []object
	for _, f := range o.In {
		if f.Name == "id" && strings.Contains(path, "{id}") {
			continue
		}
		p := object{"name": f.Name, "in": "query", "description": f.Doc}
		if f.Required {
			p["required"] = true
		}
		schema := f.Schema()
		switch {
		case !f.Plain():
			p["content"] = object{"application/json": object{"schema": schema}}
		case f.Type == "array":
			p["style"], p["explode"], p["schema"] = "form", false, schema
		default:
			p["schema"] = schema
		}
		out = append(out, p)
	}
	return append(out, object{"name": "as_of", "in": "query", "description": "Answer as of this moment: an RFC 3339 time, or a day for its end in the time zone of the organisation.", "schema": object{"type": "string"},
		"examples": object{"time": object{"value": "2026-03-06T09:00:00Z"}, "day": object{"value": "2026-03-06"}}})
}

// requestBody describes the input without what the address or a header says.
func (d *writer) requestBody(o *op.Op, path string) object {
	s := maps.Clone(o.InSchema)
	props, _ := s["properties"].(map[string]any)
	props = maps.Clone(props)
	required, _ := s["required"].([]string)
	required = slices.Clone(required)
	drop := func(n string) {
		required = slices.DeleteFunc(required, func(r string) bool { return r == n })
	}
	if strings.Contains(path, "{id}") {
		delete(props, "id")
		drop("id")
	}
	if o.Versioned {
		drop("rev")
	}
	s["properties"] = props
	delete(s, "required")
	if len(required) > 0 {
		s["required"] = required
	}
	d.schemas[o.Name+".input"] = s
	out := object{"content": object{"application/json": object{"schema": ref(o.Name + ".input")}}}
	if len(required) > 0 {
		out["required"] = true
	}
	return out
}

func (d *writer) responses(o *op.Op) object {
	good := object{"description": "Done."}
	if !o.Writes {
		good["description"] = "The answer."
	}
	headers := object{}
	if o.Writes && !o.Slow {
		headers[HeaderEntry] = object{"$ref": "#/components/headers/entry"}
		headers[HeaderLeaf] = object{"$ref": "#/components/headers/leaf"}
	}
	if isThing(o) {
		headers["ETag"] = object{"description": "The revision.", "schema": object{"type": "string"}}
	}
	code := "200"
	switch {
	case o.Fresh:
		code = "201"
		headers["Location"] = object{"description": "Address of the new thing.", "schema": object{"type": "string"}}
	case o.Verb == "end":
		code = "204"
	}
	if code != "204" {
		good["content"] = object{"application/json": object{"schema": d.answer(o)}}
	}
	if len(headers) > 0 {
		good["headers"] = headers
	}
	out := object{code: good, "default": object{"$ref": "#/components/responses/problem"}}
	if isThing(o) && !o.Writes {
		out["304"] = object{"description": "It is as you have it: the revision that you named in If-None-Match is the newest."}
	}
	codes := []int{401, 403, 422, 429, 500, 503}
	if o.Writes {
		codes = append(codes, 409, 507)
	}
	if o.Versioned {
		codes = append(codes, 412, 428)
	}
	if slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Name == "id" || f.Ref != "" }) {
		codes = append(codes, 404)
	}
	for _, c := range codes {
		out[fmt.Sprint(c)] = object{"$ref": "#/components/responses/problem"}
	}
	return out
}

// answer names the schema of an output: a kind's own where it is one, or a list of it.
func (d *writer) answer(o *op.Op) object {
	get := d.set.Find(o.Kind + ".get")
	if get != nil && isThing(get) {
		d.schemas[o.Kind] = get.OutSchema
		if reflect.DeepEqual(o.OutSchema, get.OutSchema) {
			return ref(o.Kind)
		}
		if props, _ := o.OutSchema["properties"].(map[string]any); props != nil {
			if data, _ := props["data"].(map[string]any); data != nil && reflect.DeepEqual(data["items"], any(get.OutSchema)) {
				out, p, items := maps.Clone(o.OutSchema), maps.Clone(props), maps.Clone(data)
				items["items"] = ref(o.Kind)
				p["data"], out["properties"] = items, p
				return out
			}
		}
	}
	if len(o.OutSchema) == 0 {
		return object{}
	}
	d.schemas[o.Name+".output"] = o.OutSchema
	return ref(o.Name + ".output")
}
