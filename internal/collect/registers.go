// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"assay/content"
)

// PlatformConnector is the name of the connector that reads the organisation's own records. It alone supplies the
// kinds that Assay keeps itself.
const PlatformConnector = "platform"

var registers = sync.OnceValues(func() (map[string]string, error) {
	kinds, err := content.ResourceKinds()
	if err != nil {
		return nil, fmt.Errorf("read the resource kinds: %w", err)
	}
	out := map[string]string{}
	for _, k := range kinds {
		out[k.Kind] = k.Register
	}
	return out, nil
})

// Foreign says whether a kind may not come from a connector, because Assay keeps it itself.
func Foreign(kind, connector string) (bool, error) {
	of, err := registers()
	return connector != PlatformConnector && of[kind] == content.RegisterKept, err
}

// Imported says whether the rows of a kind are imported: Assay has no register of it yet.
func Imported(kind string) (bool, error) {
	of, err := registers()
	return of[kind] == content.RegisterNone, err
}

// Supplies gives the kinds that a source supplies: those of its newest run, or where that never got so far, of the last
// complete one. What Assay keeps itself is none of them.
func Supplies(newest, complete Run) ([]string, error) {
	kinds := newest.Kinds
	if len(kinds) == 0 {
		kinds = complete.Kinds
	}
	var out []string
	for _, k := range kinds {
		foreign, err := Foreign(k, newest.Connector)
		if err != nil {
			return nil, err
		}
		if !foreign {
			out = append(out, k)
		}
	}
	return out, nil
}

// registers refuses, by name, what Assay keeps itself, and marks what it has no register of yet.
func (s *seen) registers(run *Run, connector string) error {
	of, err := registers()
	if err != nil || connector == PlatformConnector {
		return err
	}
	kinds := slices.Clone(run.Kinds)
	for k := range s.all {
		kinds = append(kinds, k[0])
	}
	slices.Sort(kinds)
	for _, k := range kinds {
		if of[k] == content.RegisterKept {
			run.State, run.Problem = Failed, fmt.Sprintf("the source supplies %s, which Assay keeps itself: nothing of it was used. Create them in Assay, and remove them from the source", k)
			return nil
		}
	}
	for k, x := range s.all {
		s.all[k] = marked(x, of)
	}
	return nil
}

// marked notes of a resource that it was imported, where Assay has no register of its kind yet.
func marked(x Resource, of map[string]string) Resource {
	if of[x.Kind] != content.RegisterNone {
		return x
	}
	if x.Attrs = maps.Clone(x.Attrs); x.Attrs == nil {
		x.Attrs = map[string]any{}
	}
	x.Attrs[content.Imported] = true
	return x
}
