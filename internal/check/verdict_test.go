// SPDX-License-Identifier: Apache-2.0

package check

import (
	"encoding/json"
	"errors"
	"testing"

	"assay/internal/errs"
)

func TestThereAreSixVerdictsAndNoOthers(t *testing.T) {
	for _, word := range []string{"pass", "fail", "excepted", "error", "not_applicable", "unknown"} {
		v, err := ParseVerdict(word)
		if err != nil || v.String() != word {
			t.Errorf("%s: %v, %v", word, v, err)
		}
		text, err := json.Marshal(v)
		if err != nil || string(text) != `"`+word+`"` {
			t.Errorf("%s is written %s, %v", word, text, err)
		}
	}
	for _, word := range []string{"", "ok", "passed", "PASS", "true"} {
		if _, err := ParseVerdict(word); !errors.Is(err, errs.Invalid) {
			t.Errorf("%q was taken for a verdict", word)
		}
	}
	var v Verdict
	if err := json.Unmarshal([]byte(`"ok"`), &v); err == nil || v != VerdictUnknown {
		t.Errorf("ok was read as %s", v)
	}
}

func TestAVerdictThatNobodySetIsUnknown(t *testing.T) {
	var r Result
	var o Outcome
	if r.Verdict != VerdictUnknown || o.State != VerdictUnknown || r.Verdict.RunState() != RunUnknown {
		t.Errorf("got %s and %s", r.Verdict, o.State)
	}
}
