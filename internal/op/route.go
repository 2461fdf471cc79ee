// SPDX-License-Identifier: Apache-2.0

package op

import (
	"slices"
	"strings"

	"assay/internal/kind"
)

// Route is where an operation lives in REST: the six verbs of a kind have their usual places; any other
// verb stands under the thing that it is done to. It stands here because two faces need it: the one that
// serves and the command line that calls a server.
func (o *Op) Route() (method, path string) {
	base := "/v1/" + plural(strings.ReplaceAll(o.Kind, "_", "-"))
	one := base
	if slices.ContainsFunc(o.In, func(f kind.Field) bool { return f.Name == "id" && f.Required }) {
		one = base + "/{id}"
	}
	switch o.Verb {
	case "list":
		return "GET", base
	case "create":
		return "POST", base
	case "get":
		return "GET", one
	case "update":
		return "PATCH", one
	case "end":
		return "DELETE", one
	}
	verb := strings.ReplaceAll(o.Verb, "_", "-")
	if o.Writes || o.Slow {
		return "POST", one + "/" + verb
	}
	return "GET", one + "/" + verb
}

func plural(s string) string {
	switch {
	case strings.HasSuffix(s, "s"), strings.HasSuffix(s, "evidence"), strings.HasSuffix(s, "activity"), strings.HasSuffix(s, "readiness"):
		return s
	case s == "person":
		return "people"
	case strings.HasSuffix(s, "y"):
		return s[:len(s)-1] + "ies"
	}
	return s + "s"
}
