// SPDX-License-Identifier: Apache-2.0

package collect

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"

	"assay/internal/errs"
)

// credential is the name of something that opens a system. What only speaks of one, such as password_age, is none.
var credential = regexp.MustCompile(`(?i)(^|[-_.a-z0-9])(password|passwd|passphrase|secret|token|api[-_]?key|access[-_]?key|private[-_]?key|credentials?|authorization|bearer)$`)

// columns are the fields of a configuration in which columns and attributes stand by name.
var columns = regexp.MustCompile(`^config\.(columns|constants|values|only|except|none_words|unknown_words)(\.|$)`)

// withoutCredentials refuses a configuration that holds a credential: everybody who may see sources reads it, and the
// ledger keeps it for ever. The fields in which columns are named hold names, not values.
func withoutCredentials(at string, v any) error {
	switch x := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			path := at + "." + k
			if s, isText := x[k].(string); isText && s != "" && !columns.MatchString(at) && credential.MatchString(k) {
				return carries(path, "is named like a credential")
			}
			if err := withoutCredentials(path, x[k]); err != nil {
				return err
			}
		}
	case []any:
		for i, e := range x {
			if err := withoutCredentials(fmt.Sprintf("%s[%d]", at, i), e); err != nil {
				return err
			}
		}
	case string:
		u, err := url.Parse(x)
		if err != nil || u.Host == "" {
			return nil
		}
		_, password := u.User.Password()
		if password || u.User != nil && u.Scheme != "ssh" { // ssh://git@host names an account and opens nothing
			return carries(at, "is an address with a user name or password in it")
		}
		for name, values := range u.Query() {
			if credential.MatchString(name) && values[0] != "" {
				return carries(at, "is an address with a credential in its query")
			}
		}
	}
	return nil
}

func carries(at, what string) error {
	return errs.At(at, "%s, and everybody who may see sources reads the configuration", what).
		Mend("leave it out: sources that need an account are to have sealed fields of their own; until then give the connector a file or a command that holds it")
}
