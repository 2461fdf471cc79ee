// SPDX-License-Identifier: Apache-2.0

package test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// export is a file as a program writes it: with a preset, or with a mapping of its own.
type export struct {
	name, preset, kind string
	config             map[string]any
	head               []string
	rows               [][]string
	made               string // the day on which it was written: the same bytes again would be no new data
}

func (x *export) text() string {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	all := [][]string{append([]string{"Exported " + x.made}, x.head...)}
	for _, r := range x.rows {
		all = append(all, append([]string{""}, r...))
	}
	_ = w.WriteAll(all) // a buffer takes all
	return out.String()
}

// row finds the row that has a word in one of its cells.
func (x *export) row(t *testing.T, word string) []string {
	t.Helper()
	i := slices.IndexFunc(x.rows, func(r []string) bool { return slices.Contains(r, word) })
	if i < 0 {
		t.Fatalf("%s has no row with %q", x.name, word)
	}
	return x.rows[i]
}

// set writes a cell of the row that has a word.
func (x *export) set(t *testing.T, word, column, value string) {
	t.Helper()
	i := slices.Index(x.head, column)
	if i < 0 {
		t.Fatalf("%s has no column %q", x.name, column)
	}
	x.row(t, word)[i] = value
}

// copied adds a row like the one that has a word, with other cells.
func (x *export) copied(t *testing.T, word string, cells map[string]string) {
	t.Helper()
	r := slices.Clone(x.row(t, word))
	for column, v := range cells {
		i := slices.Index(x.head, column)
		if i < 0 {
			t.Fatalf("%s has no column %q", x.name, column)
		}
		r[i] = v
	}
	x.rows = append(x.rows, r)
}

func (x *export) drop(t *testing.T, word string) {
	t.Helper()
	x.row(t, word)
	x.rows = slices.DeleteFunc(x.rows, func(r []string) bool { return slices.Contains(r, word) })
}

// exports are what the programs of a company of thirty people give on a day on which nothing is wrong. Nothing happened there
// for a long time: no incident, no emergency, no finding, no leaver but one in autumn.
func exports(now time.Time) map[string]*export {
	day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	us := func(n int) string { return now.AddDate(0, 0, n).Format("01/02/2006") }
	at := func(n int) string { return now.AddDate(0, 0, n).Add(-time.Hour).Format("2006-01-02T15:04:05Z") }
	out := map[string]*export{}
	add := func(name, preset, kind string, config map[string]any, head string, rows ...string) *export {
		x := &export{name: name, preset: preset, kind: kind, config: config, head: strings.Split(head, ","), made: day(0)}
		for _, r := range rows {
			x.rows = append(x.rows, strings.Split(r, ","))
		}
		out[name] = x
		return x
	}

	// People, and what each of them has.
	people := add("people.csv", "bamboohr-people", "", nil, "Employee #,Full Name,Work Email,Status,Employment Status,Hire Date,Termination Date,Department,Job Title,Reporting to")
	// The identity provider knows more than its preset reads: administrators, second factors, machines.
	accounts := add("accounts.csv", "", "idp.user", map[string]any{"key": []string{"User principal name"},
		"columns": map[string]string{"User principal name": "email", "Display name": "name", "Status": "status", "Administrator": "is_admin", "MFA registered": "mfa_enrolled",
			"Default method": "mfa_method", "Last sign-in": "last_login_at", "Created": "created_at", "Service account": "is_service", "Sponsor": "owner_ref", "Guest": "is_guest", "AI agent": "is_agent", "Purpose": "purpose", "Expires": "expires_on"},
		"values":          map[string]any{"mfa_method": map[string]string{"Authenticator app": "totp", "Security key": "webauthn", "SMS": "sms", "None": "none"}, "status": map[string]string{"Enabled": "active", "Disabled": "suspended"}},
		"none_words":      map[string]any{"last_login_at": []string{"Never"}},
		"true_words":      []string{"Yes"},
		"false_words":     []string{"No"},
		"none_when_empty": []string{"owner_ref", "purpose", "expires_on"}},
		"User principal name,Display name,Status,Administrator,MFA registered,Default method,Last sign-in,Created,Service account,Sponsor,Guest,AI agent,Purpose,Expires")
	laptops := add("laptops.csv", "", "device", map[string]any{"key": []string{"Serial number"}, "columns": map[string]string{"Device name": "name", "Serial number": "serial", "OS version": "os", "User email": "owner_ref",
		"FileVault enabled": "disk_encrypted", "Firewall enabled": "firewall_on", "Last check-in": "last_seen_at", "Screen lock (min)": "lock_minutes", "Antivirus": "av_running", "Supported": "os_supported"},
		"true_words": []string{"Yes"}, "false_words": []string{"No"}, "constants": map[string]any{"active": true, "class": "workstation"}},
		"Device name,Serial number,OS version,User email,FileVault enabled,Firewall enabled,Last check-in,Screen lock (min),Antivirus,Supported")
	checks := add("screening.csv", "", "internal.background_check", nil, "id,person_ref,ordered_on,completed_on")
	terms := add("agreements.csv", "", "internal.agreement", nil, "id,person_ref,type,signed_on")
	courses := add("courses.csv", "", "training.record", nil, "id,person_ref,module,topic,assigned_at,due_on,completed_at,score")
	read := add("acknowledged.csv", "", "internal.acknowledgement", none("acknowledged_at"), "id,person_ref,policy_ref,version,required,current,due_at,acknowledged_at")
	lists := add("checklists.csv", "", "internal.checklist", none("completed_at"), "id,person_ref,type,opened_at,due_at,completed_at")
	developers := add("members.csv", "", "vcs.member", map[string]any{"key": []string{"login"}, "columns": map[string]string{"login": "login", "email": "email", "role": "role", "tfa_enabled": "two_factor", "last_active": "last_active_at", "bot": "is_bot"},
		"values": map[string]any{"role": map[string]string{"Owner": "owner", "Member": "member"}}}, "login,email,role,tfa_enabled,last_active,bot")
	for i := range 30 {
		p := staff[i]
		first := strings.ToLower(p.first)
		mail, name, hired := p.mail, p.first+" "+p.last, -900-i*17
		status, employment, left, account := "Active", "Full-Time", "", "Enabled"
		switch i {
		case 20, 21:
			employment, left = "Contractor", us(200) // contracts end
		case 28:
			status = "Leave"
		case 29:
			status, left, account = "Inactive", us(-200), "Disabled"
		}
		boss := staff[0].first + " " + staff[0].last
		if i == 0 {
			boss = ""
		}
		people.rows = append(people.rows, []string{fmt.Sprint(100 + i), name, mail, status, employment, us(hired), left, p.department, p.title, boss})
		admin, method := "No", "Authenticator app"
		if i == 0 || i == 3 {
			admin, method = "Yes", "Security key"
		}
		last := at(-1 - i%5)
		seen := at(-i % 4)
		switch i {
		case 28: // on leave for four months
			last, seen = at(-120), at(-120)
		case 29:
			last = at(-201)
		}
		// The directory writes addresses as people typed them.
		typed := strings.ToUpper(mail[:1]) + mail[1:]
		accounts.rows = append(accounts.rows, []string{typed, name, account, admin, "Yes", method, last, at(hired), "No", "", "No", "No", "", ""})
		if i != 29 {
			laptops.rows = append(laptops.rows, []string{"MBP-" + p.last, fmt.Sprintf("C02X%04d", i), "macOS 15.3", mail, "Yes", "Yes", seen, "5", "Yes", "Yes"})
			for m, topic := range map[string]string{"TR-01": "security", "TR-03": "secure_coding"} {
				if topic == "secure_coding" && p.department != "Engineering" {
					continue
				}
				courses.rows = append(courses.rows, []string{first + "-" + m + "-first", mail, m, topic, at(hired), day(hired + 30), at(hired + 9), "95"},
					[]string{first + "-" + m, mail, m, topic, at(-120), day(-90), at(-100), "90"})
			}
			for n := 1; n <= 24; n++ {
				read.rows = append(read.rows, []string{fmt.Sprintf("%s-%d", first, n), mail, fmt.Sprintf("POL-%02d", n), "1", "true", "true", at(20), at(-1)})
			}
		}
		checks.rows = append(checks.rows, []string{"check-" + first, mail, day(hired - 20), day(hired - 9)})
		terms.rows = append(terms.rows, []string{"nda-" + first, mail, "confidentiality", day(hired - 5)})
		if i == 29 {
			lists.rows = append(lists.rows, []string{"off-" + first, mail, "offboarding", at(-203), at(-199), at(-200)})
		}
		if p.department == "Engineering" && i != 29 {
			role := "Member"
			if i < 5 {
				role = "Owner"
			}
			developers.rows = append(developers.rows, []string{first + "-dev", typed, role, "true", at(-1), "false"})
		}
	}
	accounts.rows = append(accounts.rows, []string{"backup-robot@example.com", "Backup robot", "Enabled", "No", "No", "None", at(-1), at(-500), "Yes", strings.ToUpper("ada@example.com"), "No", "No", "Backups", ""},
		[]string{"reviewer-agent@example.com", "Review agent", "Enabled", "No", "No", "None", at(-1), at(-50), "Yes", "carl@example.com", "No", "Yes", "Prepares access reviews", day(100)},
		[]string{"auditor@audit.example.com", "An Auditor", "Disabled", "No", "Yes", "Authenticator app", at(-90), at(-100), "No", "ada@example.com", "Yes", "No", "Audit", ""})
	// Joined three days ago: what is due within 30 days is not there yet.
	people.rows = append(people.rows, []string{"140", "Nina Neu", "nina.neu@example.com", "Active", "Full-Time", us(-3), "", "Engineering", "Specialist", "Ada Lind"})
	accounts.rows = append(accounts.rows, []string{"nina.neu@example.com", "Nina Neu", "Enabled", "No", "Yes", "Authenticator app", at(-1), at(-3), "No", "", "No", "No", "", ""})
	laptops.rows = append(laptops.rows, []string{"MBP-Neu", "C02X0140", "macOS 15.3", "nina.neu@example.com", "Yes", "Yes", at(-1), "5", "Yes", "Yes"})
	terms.rows = append(terms.rows, []string{"nda-nina", "nina.neu@example.com", "confidentiality", day(-9)})
	developers.rows = append(developers.rows, []string{"renovate[bot]", "", "Member", "false", at(-1), "true"})
	slices.SortFunc(courses.rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) })

	add("sign-in.csv", "", "idp.settings", nil, "id,mfa_enforced,password_min_length,lockout_threshold,lockout_managed,session_hours,sso_app_count,app_count,legacy_blocked", "tenant,true,14,,true,12,9,10,true").config = none("lockout_threshold")

	// Source code and releases.
	add("repos.csv", "", "vcs.repo", nil, "id,name,visibility,approved_public,archived,default_branch,production,secret_scanning,dependency_alerts",
		"shop,shop,private,false,false,main,true,true,true", "site,site,public,true,false,main,true,true,true", "old,old,private,false,true,master,true,false,false")
	add("rules.csv", "", "vcs.branch_rule", nil, "id,repo,branch,required_reviews,dismiss_stale,applies_to_admins,required_checks,allow_force_push",
		"shop/main,shop,main,1,true,true,test,false", "site/main,site,main,1,true,true,test;lint,false").config = map[string]any{"list_separator": ";"}
	changes := add("changes.csv", "", "vcs.change", map[string]any{"list_separator": ";", "none_when_empty": []string{"post_review_at", "ticket_ref"}},
		"id,repo,number,author,commits_by,approvers,approved_at,merge_commit,merged_by,merged_at,checks_passed,ticket_ref,labels,emergency,post_review_at")
	releases := add("releases.csv", "", "deploy.event", none("rollback_of", "change_ref", "commit"), "id,service,version,environment,commit,deployed_at,actor,via_pipeline,change_ref,rollback_of")
	for n := 1; n <= 12; n++ {
		day := -n * 3
		changes.rows = append(changes.rows, []string{fmt.Sprintf("shop#%d", 200-n), "shop", fmt.Sprint(200 - n), "carl-dev", "carl-dev", "mia-dev;renovate[bot]", at(day), fmt.Sprintf("c0ffee%02d", n), "carl-dev", at(day), "true", fmt.Sprintf("SHOP-%d", 90-n), "feature", "false", ""})
		releases.rows = append(releases.rows, []string{fmt.Sprintf("run-%d", 500-n), "shop", fmt.Sprintf("2.%d", 50-n), "production", fmt.Sprintf("c0ffee%02d", n), at(day), "github-actions[bot]", "true", fmt.Sprintf("shop#%d", 200-n), ""})
	}
	add("tickets.csv", "", "ticket", none("granted_at", "approver", "approved_at", "closed_at", "subject_ref"),
		"id,key,type,status,requester,approver,created_at,approved_at,granted_at,closed_at,subject_ref",
		"IT-11,IT-11,access_request,Done,carl@example.com,ada@example.com,"+at(-31)+","+at(-30)+","+at(-29)+","+at(-29)+",carl@example.com",
		"IT-12,IT-12,task,Open,carl@example.com,,"+at(-3)+",,,,")

	// The cloud.
	add("cloud-accounts.csv", "", "cloud.account", map[string]any{"list_separator": ";"}, "id,name,account,environment,provider,root_mfa,root_keys,org_member,region_allowlist,root_last_used_at,public_block,threat_detection",
		"111,live,111,production,aws,true,0,true,eu-central-1,"+at(-400)+",true,true", "222,lab,222,test,aws,true,0,true,eu-central-1,"+at(-300)+",true,true")
	add("cloud-users.csv", "", "cloud.user", none("person_ref"), "id,name,console,mfa,privileged,last_used_at,is_service,person_ref",
		"arn:aws:iam::111:user/break-glass,break-glass,true,true,true,"+at(-300)+",false,olga@example.com", "arn:aws:iam::111:user/deployer,deployer,false,false,false,"+at(-1)+",true,")
	add("access-keys.csv", "aws-access-keys", "", nil, "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date",
		"<root_account>,arn:aws:iam::111:root,2021-04-01T08:00:00+00:00,not_supported,"+at(-400)+",not_supported,true,false,N/A,N/A,false,N/A,N/A",
		"break-glass,arn:aws:iam::111:user/break-glass,2021-04-01T08:00:00+00:00,true,"+at(-300)+","+at(-300)+",true,false,N/A,N/A,false,N/A,N/A",
		"deployer,arn:aws:iam::111:user/deployer,2023-04-01T08:00:00+00:00,false,N/A,N/A,false,true,"+at(-40)+","+at(-1)+",false,N/A,N/A")
	add("grants.csv", "", "cloud.grant", nil, "id,principal,role,scope,admin_equivalent,wildcard,boundary,granted_at", "g1,ada@example.com,AWSReservedSSO_AdministratorAccess_1a2b,111,true,true,true,"+at(-400), "g2,break-glass,Admin,111,true,true,true,"+at(-400), "g3,deployer,Deploy,111,false,false,false,"+at(-400), "g4,mia@example.com,NetworkAdmin,111,true,false,true,"+at(-2))
	add("secrets.csv", "", "cloud.secret", nil, "id,name,rotated_at,max_age_days", "shop-db,shop-db,"+at(-30)+",90")
	add("keys.csv", "", "cloud.kmskey", nil, "id,customer_managed,rotation_enabled,pending_deletion", "k1,true,true,false", "k2,false,false,false")
	add("buckets.csv", "", "cloud.bucket", nil, "id,name,environment,public,encrypted,versioned,tls_only,access_log,data_class", "files,files,production,false,true,true,true,true,confidential", "assets,assets,production,true,true,false,true,true,public")
	add("databases.csv", "", "cloud.database", nil, "id,name,environment,encrypted,public,backup_days,deletion_protected,multi_zone,tls_required,data_class", "shop-db,shop-db,production,true,false,14,true,true,true,confidential", "lab-db,lab-db,test,true,false,1,false,false,true,internal")
	add("disks.csv", "", "cloud.disk", nil, "id,encrypted,attached_to", "vol-1,true,i-1")
	add("backups.csv", "", "cloud.backup", nil, "id,resource,completed_at,status,encrypted,cross_region", "b1,shop-db,"+at(0)+",ok,true,true", "b2,files,"+at(0)+",ok,true,true", "b3,shop-db,"+at(-1)+",failed,true,true", "b4,shop-db,"+at(0)+",ok,true,false")
	add("firewall.csv", "", "cloud.firewall", nil, "id,direction,cidr,port_from,port_to,attached,default_group", "sg-1,in,0.0.0.0/0,443,443,true,false", "sg-2,in,10.0.0.0/8,22,22,true,false", "sg-3,out,0.0.0.0/0,0,65535,true,false")
	add("instances.csv", "", "cloud.instance", nil, "id,account,environment,public_ip,managed,image_age_days,metadata_protected", "i-1,111,production,false,true,30,true", "i-2,222,test,true,false,300,true", "i-3,222,staging,false,false,30,true")
	add("trails.csv", "", "cloud.trail", nil, "id,account,enabled,all_regions,integrity_validation,integrity_available,encrypted,retention_days,immutable", "t1,111,true,true,true,true,true,400,true", "t2,222,true,true,true,true,true,400,true", "t3,222,true,false,false,true,false,30,false")
	add("flow-logs.csv", "", "cloud.flowlog", nil, "id,account,environment,network,enabled", "f1,111,production,vpc-1,true")
	add("alarms.csv", "", "cloud.alarm", nil, "id,required,enabled,has_action,topic", "cpu,true,true,true,oncall", "disk,true,true,true,oncall")
	add("endpoints.csv", "", "net.endpoint", nil, "id,host,port,public,web,min_tls,cert_not_before,cert_not_after,hsts,reachable", "www,www.example.com,443,true,true,1.2,"+at(-30)+","+at(60)+",true,true")
	add("mail-domains.csv", "", "mail.domain", none("spf_fault", "dkim_key_bits"), "id,domain,sends_mail,spf_records,spf_policy,spf_lookups,spf_fault,dkim_selectors,dkim_key_bits,dmarc_policy,dmarc_pct",
		"example.com,example.com,true,1,softfail,4,,google,2048,reject,100", "example.net,example.net,false,1,fail,0,,,,reject,100")
	add("waf.csv", "", "net.waf", nil, "id,production,attached,mode", "w1,true,true,block")

	add("workloads.csv", "", "cloud.workload", nil, "id,name,plain_secrets", "shop,shop,0")
	add("console.csv", "", "cloud.change", none("reviewer", "reviewed_at"), "id,actor,action,resource,environment,via,made_at,reviewer,reviewed_at", "ct-1,carl@example.com,ModifyDBInstance,shop-db,production,pipeline,"+at(-3)+",,", "ct-2,carl@example.com,RebootInstances,i-1,production,console,"+at(-300)+",ada@example.com,"+at(-299))
	add("snapshots.csv", "", "cloud.snapshot", nil, "id,resource,public", "snap-1,shop-db,false")
	add("images.csv", "", "cloud.image", nil, "id,public,approved_public", "ami-1,false,false")
	add("registries.csv", "", "cloud.registry", nil, "id,name,scanning", "shop,shop,true")
	add("log-groups.csv", "", "cloud.loggroup", none("retention_days"), "id,name,security,retention_days", "audit,audit,true,400", "shop,shop,false,30", "vpc,vpc,true,")
	add("clusters.csv", "", "k8s.cluster", none("api_ranges"), "id,name,api_public,api_ranges", "live,live,false,")
	add("bindings.csv", "", "k8s.binding", nil, "id,cluster,subject,role,cluster_admin", "b-1,live,system:masters,cluster-admin,true", "b-2,live,ada@example.com,cluster-admin,true")
	add("rights.csv", "", "deploy.right", nil, "id,principal,service,environment,is_service", "github-actions[bot],github-actions[bot],shop,production,true", "carl@example.com,Carl@Example.com,shop,production,false")
	add("vcs-org.csv", "", "vcs.org", nil, "id,name,two_factor_required", "example,example,true")
	add("deploy-keys.csv", "", "vcs.deploy_key", nil, "id,repo,read_only,created_at,last_used_at", "k-1,shop,true,"+at(-200)+","+at(-2))
	add("pushes.csv", "", "vcs.push", nil, "id,repo,branch,actor,pushed_at,reviewer,reviewed_at")
	add("apps.csv", "", "idp.oauth_grant", nil, "id,app,risky,approved,users", "calendar,Calendar sync,false,false,7", "crm,CRM,true,true,5")
	add("shares.csv", "", "share.document", none("expires_on"), "id,name,owner,audience,data_class,approved,expires_on", "d-1,Price list,emil@example.com,public,public,false,", "d-2,Pilot plan,emil@example.com,external,confidential,true,"+day(20))
	add("customers.csv", "", "customer", nil, "id,name,active,service_began_on,agreement_signed_on", "c-1,Example Bakery,true,"+day(-30)+","+day(-35), "c-2,Example Bank,true,"+day(-700)+","+day(-705))
	add("customer-access.csv", "", "customer.access", nil, "id,person_ref,customer,began_at,approver,approved_at,logged", "a-1,carl@example.com,c-2,"+at(-10)+",ada@example.com,"+at(-11)+",true")

	// Monitoring, findings, jobs.
	add("targets.csv", "", "siem.target", nil, "id,name,resource,required,last_metric_at,expected_interval_minutes", "t-1,i-1,i-1,true,"+at(0)+",1440")
	add("log-sources.csv", "", "siem.source", nil, "id,name,kind,required,last_event_at,expected_interval_minutes", "idp,idp,log,true,"+at(0)+",1440", "cloud,cloud,log,true,"+at(0)+",1440", "ids,ids,anomaly,true,"+at(0)+",1440")
	add("alerts.csv", "", "siem.alert", none("acknowledged_at", "closed_at", "disposition", "incident_ref"), "id,rule,severity,anomaly,created_at,acknowledged_at,closed_at,disposition,incident_ref",
		"a1,Impossible travel,high,true,"+at(-200)+","+at(-199)+","+at(-198)+",benign,", "a2,New administrator,medium,false,"+at(-5)+","+at(-4)+","+at(-4)+",benign,")
	add("findings.csv", "", "vuln.finding", none("fixed_at"), "id,name,asset,severity,first_seen_at,fixed_at,source")
	add("scans.csv", "", "vuln.scan", nil, "id,target,in_scope,kind,finished_at,status", "s1,shop,true,dependency,"+at(-2)+",ok", "s2,www.example.com,true,external,"+at(-6)+",ok", "s3,i-1,true,infra,"+at(-6)+",ok")

	// What the company keeps in lists until it has registers.
	add("vendors.csv", "", "internal.vendor", none("owner_ref", "bridge_end", "last_review_at", "data_since", "first_assessed_on", "dpa_signed_on"), "id,name,owner_ref,tier,active,in_scope,data_class,last_review_at,cadence_days,report_covers_to,bridge,bridge_end,security_clause,confidentiality_clause,data_since,first_assessed_on,personal_data,dpa_signed_on",
		"cloud,Example Cloud,olga@example.com,critical,true,true,restricted,"+at(-90)+",0,"+at(-120)+",false,,true,true,"+day(-800)+","+day(-810)+",true,"+day(-805), "mail,Example Mail,olga@example.com,low,true,true,internal,"+at(-300)+",0,"+at(-500)+",false,,true,true,"+day(-400)+","+day(-410)+",true,"+day(-401), "cake,Example Cakes,olga@example.com,low,true,false,none,"+at(-900)+",0,"+at(-900)+",false,,false,false,,,false,")
	add("assessments.csv", "", "internal.risk_assessment", nil, "id,state,completed_at", "2025,approved,"+at(-150))
	add("risks.csv", "", "internal.risk", nil, "id,title,open,owner,review_due", "R-1,Phishing,true,ada@example.com,"+at(40), "R-2,Cloud outage,true,olga@example.com,"+at(40))
	add("meetings.csv", "", "internal.meeting", nil, "id,kind,held_on,minutes", "m1,oversight,"+day(-20)+",true")
	add("incidents.csv", "", "internal.incident", none("root_cause", "lessons", "improvements", "no_improvement_reason"), "id,ref,severity,closed,root_cause,lessons,improvements,no_improvement_reason")
	add("duties.csv", "", "internal.notification_duty", none("sent_at", "not_required_reason"), "id,incident_ref,addressee,deadline,sent_at,not_required_reason")
	add("exercises.csv", "", "internal.exercise", nil, "id,kind,held_on,rto_met,rpo_met", "e1,incident,"+day(-100)+",true,true", "e2,dr,"+day(-90)+",true,true")
	add("restores.csv", "", "internal.restore_test", nil, "id,store,production,performed_at,result", "r1,shop-db,true,"+at(-40)+",ok", "r2,files,true,"+at(-40)+",ok")
	add("reviews.csv", "", "internal.access_review", none("completed_at"), "id,state,due_at,completed_at,undecided", "Q4,complete,"+at(-65)+","+at(-80)+",0", "Q1,complete,"+at(25)+","+at(-10)+",0")
	add("review-items.csv", "", "internal.access_review_item", none("revoked_at"), "id,review_ref,account_ref,subject,reviewer,decision,decided_at,revoked_at,last_completed",
		"i1,Q1,ada@example.com,ada@example.com,olga@example.com,keep,"+at(-12)+",,true", "i2,Q1,break-glass,olga@example.com,ada@example.com,keep,"+at(-12)+",,true", "i3,Q1,lab-user,otto.brandt@example.com,ada@example.com,revoke,"+at(-12)+","+at(-11)+",true")
	return out
}

// none are the columns whose empty cells mean that there is none.
func none(columns ...string) map[string]any { return map[string]any{"none_when_empty": columns} }

type member struct{ first, last, department, title, mail string }

// staff are the people of the company, those who have accounts in Assay first.
var staff = func() []member {
	out := []member{{"Ada", "Lind", "IT", "Head of IT", "ada@example.com"}, {"Olga", "Voss", "Management", "Managing Director", "olga@example.com"},
		{"Max", "Oster", "Compliance", "Compliance Manager", "max@example.com"}, {"Mia", "Reuter", "Engineering", "Platform Engineer", "mia@example.com"},
		{"Carl", "Kern", "Engineering", "Lead Engineer", "carl@example.com"}, {"Emil", "Sund", "Sales", "Account Manager", "emil@example.com"},
		{"Fred", "Under", "Management", "Founder", "founder@example.com"}}
	firsts := strings.Fields("Otto Lea Nils Eva Jan Ines Tim Nora Paul Rosa Kai Vera Ben Lotte Jost Greta Finn Hedi Anna Thea Arno Edda Rolf")
	lasts := strings.Fields("Brandt Falk Ganz Hoff Iken Jost Kuhn Lang Maas Nagel Ott Pohl Quast Rode Sand Tamm Uhl Veit Wulf Zorn Abel Beer Ebel")
	teams := []string{"Engineering", "Sales", "Support"}
	for i := range firsts {
		out = append(out, member{firsts[i], lasts[i], teams[i%3], "Specialist", strings.ToLower(firsts[i] + "." + lasts[i] + "@example.com")})
	}
	return out
}()
