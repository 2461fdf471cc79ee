// SPDX-License-Identifier: Apache-2.0

package check

import (
	"fmt"

	"assay/internal/errs"
)

// Verdict is what a test says of a resource, or of all of them. There are six, and no others.
// The zero value is unknown: what nobody set never counts as a pass.
type Verdict struct{ v verdict }

type verdict uint8

const (
	unknown verdict = iota
	pass
	fail
	excepted
	errored
	notApplicable
)

// The verdicts.
var (
	VerdictUnknown       = Verdict{unknown}       // what decides is not known
	VerdictPass          = Verdict{pass}          // it holds
	VerdictFail          = Verdict{fail}          // it does not hold
	VerdictExcepted      = Verdict{excepted}      // it does not hold, and an approved exception covers that now
	VerdictError         = Verdict{errored}       // it could not be evaluated
	VerdictNotApplicable = Verdict{notApplicable} // there is nothing that it speaks of
)

var verdictWords = [...]string{unknown: "unknown", pass: "pass", fail: "fail", excepted: "excepted", errored: "error", notApplicable: "not_applicable"}

var verdictStates = [...]RunState{unknown: RunUnknown, pass: RunPassed, fail: RunFailed, excepted: RunExcepted, errored: RunErrored, notApplicable: RunNotApplicable}

func (v Verdict) String() string { return verdictWords[v.v] }

// RunState is the verdict of a whole run as the letters of a day take it.
func (v Verdict) RunState() RunState { return verdictStates[v.v] }

// MarshalText writes the word.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads the word, and refuses any other.
func (v *Verdict) UnmarshalText(text []byte) error {
	parsed, err := ParseVerdict(string(text))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

// ParseVerdict reads a verdict.
func ParseVerdict(s string) (Verdict, error) {
	for i, word := range verdictWords {
		if word == s {
			return Verdict{verdict(i)}, nil
		}
	}
	return VerdictUnknown, errs.At("verdict", "%q is not a verdict", s).
		Mend("use one of %s", fmt.Sprint(verdictWords))
}
