// SPDX-License-Identifier: Apache-2.0

package grc

import (
	"testing"
	"time"
)

func TestANewRefLooksLikeNoOther(t *testing.T) {
	for ref, good := range map[string]bool{
		"IAM-02": true, "OWN_1.b": true, "cc6": true,
		"IАM-02": false, "IAM\u201102": false, "IAM--02": false, "-IAM": false, "IAM-": false, "IAM 02": false, "IAM\u200b02": false, "１２": false, "": false,
	} {
		for what, err := range map[string]error{"a policy": Policies.Check(nil, &Policy{Ref: ref, State: "draft"}), "a control": Controls.Check(nil, &Control{Ref: ref, State: "draft"})} {
			if (err == nil) != good {
				t.Errorf("%s with the ref %q: %v", what, ref, err)
			}
		}
	}
	old := &Policy{Ref: "OWN 1", State: "draft"}
	if err := Policies.Check(old, old); err != nil {
		t.Errorf("a ref that stands there already: %v", err)
	}
}

func TestWhoConfirmedTheTextOfATemplateWroteThePolicy(t *testing.T) {
	p := &Policy{Template: []TemplateSection{{ConfirmedBy: "usr_1", ConfirmedAt: time.Unix(1, 0)}, {ConfirmedBy: "usr_2", ConfirmedAt: time.Unix(2, 0)}, {}}}
	p.CreatedBy = "system"
	if p.publish(); p.WrittenBy != "usr_2" {
		t.Errorf("written by %q", p.WrittenBy)
	}
}
