// SPDX-License-Identifier: Apache-2.0

package check

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"assay/content"
)

// versionOf names a definition by what can change a verdict or its weight: a changed parameter is
// a new version, and a better wording of the message is not. The examples and links do not count.
func versionOf(t content.Test) string {
	t.Title, t.Doc, t.Message, t.Missing, t.Observed, t.Controls, t.Fixtures = "", "", "", "", nil, nil, nil
	body, err := json.Marshal(t) // fields in their order, maps by key: one definition has one text
	if err != nil {
		// Only a parameter can be unfit for JSON, and those were checked before.
		body = fmt.Appendf(nil, "%+v", t)
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}
