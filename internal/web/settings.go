// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strconv"
	"strings"

	"assay/internal/auth"
	"assay/internal/errs"
	"assay/internal/op"
	"assay/internal/web/page"
	"assay/internal/web/ui"
)

func settings(q *ask) (answer, error) {
	tab := q.get("tab")
	if tab == "" && !q.may("user.list") {
		tab = "tokens"
	}
	v, err := q.settingsView(tab, nil, nil, nil)
	if err != nil {
		return answer{}, err
	}
	return q.settingsPage(v, 0)
}

func (q *ask) settingsPage(v page.SettingsView, code int) (answer, error) {
	return answer{code: code, body: page.Settings(q.frame("Settings", "settings"), v)}, nil
}

// settingsView fills one face of the settings. given and wrong are the answers of a form that was refused.
func (q *ask) settingsView(tab string, given, wrong map[string]string, refused error) (page.SettingsView, error) {
	v := page.SettingsView{Tab: tab}
	for _, t := range []struct{ key, text, op string }{{"", "Configuration", "user.list"}, {"users", "Accounts", "user.list"}, {"tokens", "Tokens", "token.create"}} {
		if q.may(t.op) {
			v.Tabs = append(v.Tabs, ui.Tab{Text: t.text, Href: "/settings" + query("tab", t.key), Current: t.key == tab})
		}
	}
	v.Tabs = append(v.Tabs, ui.Tab{Text: "Organisation", Href: "/organizations/" + seg(q.org.ID)})
	whole := ""
	if refused != nil {
		whole = first(errs.Public(refused).Error()) + fixed(errs.Public(refused))
	}
	switch tab {
	case "users":
		return v, q.accounts(&v, given, wrong, whole)
	case "tokens":
		return v, q.tokens(&v, given, wrong, whole)
	}
	if !q.may("user.list") { // how the server is set up is for those who run it
		return v, errs.New(errs.Denied, "your role can't see the server settings")
	}
	v.Config = q.Settings()
	return v, nil
}

func (q *ask) accounts(v *page.SettingsView, given, wrong map[string]string, whole string) error {
	l, err := do[listing](q, "user.list", map[string]any{"limit": 200})
	if err != nil {
		return err
	}
	for _, t := range l.Data {
		row := page.UserRow{Name: t.text("name"), Email: t.text("email"), Href: "/users/" + seg(t.id()), State: t.text("state"), Changed: q.local(timeOf(t.text("updated_at")))}
		for _, r := range t.texts("roles") {
			row.Roles = append(row.Roles, roleWord(r))
		}
		v.Users = append(v.Users, row)
	}
	if !q.mayChange("user.invite") {
		return nil
	}
	people, few := q.choices("person")
	who := ui.Field{Kind: "text", Name: "person", Label: "Linked person", Value: given["person"], Wrong: wrong["person"]}
	if few {
		who.Kind, who.Options = "select", append([]ui.Option{{Text: "–"}}, people...)
	}
	roles := []ui.Option{}
	for _, r := range op.Role("").Values() {
		if q.actor.Lacks(op.Role(r)) == "" {
			roles = append(roles, ui.Option{Value: r, Text: roleWord(r)})
		}
	}
	v.NewUser = &ui.Form{Action: "/settings/users", Send: "Invite", Wrong: whole, Fields: []ui.Field{
		{Kind: "text", Name: "name", Label: "Name", Required: true, Value: given["name"], Wrong: wrong["name"]},
		{Kind: "email", Name: "email", Label: "E-mail", Required: true, Value: given["email"], Wrong: wrong["email"]},
		{Kind: "select", Name: "role", Label: "Role", Required: true, Options: roles, Value: orElse(given["role"], "control"), Wrong: wrong["roles"]}}}
	if q.mayChange("user.identify") {
		v.NewUser.Fields = append(v.NewUser.Fields, who)
	}
	return nil
}

func (q *ask) tokens(v *page.SettingsView, given, wrong map[string]string, whole string) error {
	if q.may("token.list") {
		l, err := do[listing](q, "token.list", map[string]any{"limit": 200})
		if err != nil && !isGone(err) {
			return err
		}
		for _, t := range l.Data {
			row := page.TokenRow{Name: t.text("name"), Prefix: "assay_pat_…", Owner: q.label(t.text("owner")), Scopes: t.texts("scopes"), Made: q.local(timeOf(t.text("created_at"))), Until: q.local(timeOf(t.text("expires")))}
			if q.mayChange("token.revoke") {
				row.Revoke = "/settings/tokens/" + seg(t.id()) + "/revoke"
			}
			v.Tokens = append(v.Tokens, row)
		}
	}
	if !q.mayChange("token.create") {
		return nil
	}
	v.NewTok = &ui.Form{Action: "/settings/tokens", Send: "Make token", Wrong: whole, Fields: []ui.Field{
		{Kind: "text", Name: "name", Label: "Name", Hint: "What it is for.", Required: true, Value: given["name"], Wrong: wrong["name"]},
		{Kind: "text", Name: "scopes", Label: "May", Hint: "read, write, or operations such as evidence.* or check.run, with commas between them.", Required: true, Value: orElse(given["scopes"], "read"), Wrong: wrong["scopes"]},
		{Kind: "number", Name: "days", Label: "Days", Hint: "How long it lives, at most 365.", Required: true, Value: orElse(given["days"], "90"), Wrong: wrong["days"]}}}
	return nil
}

// refuse shows the settings again with what is wrong at its field.
func (q *ask) refuse(tab string, given map[string]string, err error) (answer, error) {
	e := errs.Public(err)
	if !inForm(e) && e.Code != errs.Denied {
		return answer{}, err
	}
	wrong := map[string]string{}
	if name, _, _ := strings.Cut(e.Field, "["); name != "" {
		wrong[name] = wrongText(e)
		err = nil
	}
	v, verr := q.settingsView(tab, given, wrong, err)
	if verr != nil {
		return answer{}, verr
	}
	return q.settingsPage(v, codeOf(e))
}

// makeToken makes a token and shows it, this once.
func makeToken(q *ask) (answer, error) {
	given := map[string]string{"name": q.r.PostFormValue("name"), "scopes": q.r.PostFormValue("scopes"), "days": q.r.PostFormValue("days")}
	var scopes []string
	for _, s := range strings.FieldsFunc(given["scopes"], func(r rune) bool { return r == ',' || r == ' ' || r == '\n' }) {
		scopes = append(scopes, strings.TrimSpace(s))
	}
	days, err := strconv.ParseInt(strings.TrimSpace(given["days"]), 10, 64)
	if err != nil {
		return q.refuse("tokens", given, errs.At("days", "must be a whole number"))
	}
	t, err := do[auth.NewToken](q, "token.create", map[string]any{"name": given["name"], "scopes": scopes, "days": days})
	if err != nil {
		return q.refuse("tokens", given, err)
	}
	v, err := q.settingsView("tokens", nil, nil, nil)
	if err != nil {
		return answer{}, err
	}
	v.Secret = t.Secret
	return q.settingsPage(v, 0)
}

func revokeToken(q *ask) (answer, error) {
	if _, err := do[struct{}](q, "token.revoke", map[string]any{"id": q.id()}); err != nil {
		return answer{}, err
	}
	return goTo("/settings?tab=tokens", "Token revoked. Programs that used it are refused from now on.")
}

// invite makes an account and shows the address that opens it, this once.
func invite(q *ask) (answer, error) {
	given := map[string]string{"name": q.r.PostFormValue("name"), "email": strings.ToLower(strings.TrimSpace(q.r.PostFormValue("email"))), "role": q.r.PostFormValue("role"), "person": q.r.PostFormValue("person")}
	u, err := do[auth.Invited](q, "user.invite", map[string]any{"name": given["name"], "email": given["email"], "roles": []string{given["role"]}, "person": given["person"]})
	if err != nil {
		return q.refuse("users", given, err)
	}
	return q.invited(u)
}

func (q *ask) invited(u auth.Invited) (answer, error) {
	v, err := q.settingsView("users", nil, nil, nil)
	if err != nil {
		return answer{}, err
	}
	v.Invited = q.Address + u.Path
	return q.settingsPage(v, 0)
}

// newLink makes a new way in for somebody who lost his.
func newLink(q *ask) (answer, error) {
	u, err := do[auth.Invited](q, "user.link", map[string]any{"id": q.id()})
	if err != nil {
		return answer{}, err
	}
	return q.invited(u)
}
