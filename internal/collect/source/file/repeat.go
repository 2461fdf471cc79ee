// SPDX-License-Identifier: Apache-2.0

package file

import (
	"maps"
	"slices"
	"strings"

	"assay/internal/errs"
)

// A row that holds several things in numbered columns, such as two access keys of a user, is read as one row for each:
// access_key_#_active is access_key_1_active in the first and access_key_2_active in the second, and # is the number.

const numberSign = "#"

// numbered gives the columns of the file for those of the configuration.
func (s *Source) numbered(columns []string) []string {
	if len(s.cfg.Repeat) == 0 {
		return columns
	}
	var out []string
	for _, c := range columns {
		switch {
		case c == numberSign:
		case !strings.Contains(c, numberSign):
			out = append(out, c)
		default:
			for _, n := range s.cfg.Repeat {
				out = append(out, strings.ReplaceAll(c, numberSign, n))
			}
		}
	}
	return out
}

// repeated gives the rows that one row of the file stands for.
func (s *Source) repeated(r row) []row {
	if len(s.cfg.Repeat) == 0 || s.heading != nil || s.each != nil {
		return []row{r}
	}
	out := make([]row, 0, len(s.cfg.Repeat))
	for _, n := range s.cfg.Repeat {
		one := row{number: r.number, label: r.label, cells: maps.Clone(r.cells)}
		for _, c := range s.cfg.named() {
			if !strings.Contains(c, numberSign) || c == numberSign {
				continue
			}
			name := strings.ReplaceAll(c, numberSign, n)
			if v, there := r.cells[name]; there {
				one.cells[c] = v
			}
			for _, other := range s.cfg.Repeat {
				delete(one.cells, strings.ReplaceAll(c, numberSign, other))
			}
		}
		one.cells[numberSign] = n
		out = append(out, one)
	}
	return out
}

// repeats refuses numbers that cannot tell the things of a row apart.
func (cfg *Config) repeats() error {
	n := slices.Compact(slices.Sorted(slices.Values(cfg.Repeat)))
	switch {
	case len(cfg.Repeat) == 0:
		return nil
	case len(n) != len(cfg.Repeat) || slices.Contains(n, ""):
		return errs.At("repeat", "each number must be there once, and none is empty")
	case !slices.Contains(cfg.Key, numberSign):
		return errs.At("key", "the things of one row have the same key").Mend("add %q to key: it stands for the number", numberSign)
	}
	return nil
}

// perRow is how many things a row holds.
func (s *Source) perRow() int { return max(len(s.cfg.Repeat), 1) }
