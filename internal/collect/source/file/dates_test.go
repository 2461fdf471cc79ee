// SPDX-License-Identifier: Apache-2.0

package file_test

import (
	"strings"
	"testing"

	"assay/internal/collect/source/file"
)

// seen reads one or more values of a moment, one row each, and gives the moments or the faults.
func moments(t *testing.T, cfg file.Config, values ...string) ([]string, []file.Fault) {
	t.Helper()
	cfg.Kind = "device"
	text := "id,last_seen_at\n"
	for i, v := range values {
		text += string(rune('a'+i)) + ",\"" + v + "\"\n"
	}
	got, report, err := taken(t, cfg, text)
	if (err == nil) != (report.Total == 0) {
		t.Errorf("%v with %v", err, report.Faults)
	}
	var out []string
	for _, r := range got {
		s, _ := r.Attrs["last_seen_at"].(string)
		out = append(out, s)
	}
	return out, report.Faults
}

func TestDatesAreReadAsProgramsWriteThem(t *testing.T) {
	for text, want := range map[string]string{
		"2026-01-31":                    "2026-01-31T00:00:00.000Z",
		"2026-01-31T10:00:00+02:00":     "2026-01-31T08:00:00.000Z",
		"2022-07-18T09:03:38+00:00":     "2022-07-18T09:03:38.000Z",
		"2026-01-12 07:28:08.338160":    "2026-01-12T07:28:08.338Z",
		"2026/11/20 22:47:20":           "2026-11-20T22:47:20.000Z",
		"2026-02-01 10:00:00 UTC":       "2026-02-01T10:00:00.000Z",
		"2026-02-01T10:00:00.123+0100":  "2026-02-01T09:00:00.123Z",
		"2026-02-01 10:00:00 -05":       "2026-02-01T15:00:00.000Z",
		"12/Mar/26 9:41 AM":             "2026-03-12T09:41:00.000Z",
		"13/Mar/26 12:05 AM":            "2026-03-13T00:05:00.000Z",
		"9/19/2025 6:40:38 PM":          "2025-09-19T18:40:38.000Z",
		"13.03.21":                      "2021-03-13T00:00:00.000Z",
		"31.01.2026 14:30":              "2026-01-31T14:30:00.000Z",
		"Jan 2, 2026":                   "2026-01-02T00:00:00.000Z",
		"Sep 3, 2025, 3:04 PM":          "2025-09-03T15:04:00.000Z",
		"2 January 2026":                "2026-01-02T00:00:00.000Z",
		"05-Jan-2026":                   "2026-01-05T00:00:00.000Z",
		"2026-Jan-05":                   "2026-01-05T00:00:00.000Z",
		"Mon, 02 Mar 2026 15:04:05 GMT": "2026-03-02T15:04:05.000Z",
		"Wed Sep 03 2025 10:00:00 GMT+0100 (Central European Time)": "2025-09-03T09:00:00.000Z",
		"20260131":      "2026-01-31T00:00:00.000Z",
		"45017":         "2023-04-01T00:00:00.000Z",
		"45017.75":      "2023-04-01T18:00:00.000Z",
		"1767225600":    "2026-01-01T00:00:00.000Z",
		"1767225600000": "2026-01-01T00:00:00.000Z",
		"3/3/2023":      "2023-03-03T00:00:00.000Z", // day and month are the same
	} {
		if got, bad := moments(t, file.Config{}, text); len(bad) > 0 || got[0] != want {
			t.Errorf("%s: %v %v", text, got, bad)
		}
	}
	for _, text := range []string{"31/31/2026", "2026-02-30", "32.01.2026", "13/13/26", "12/Foo/26", "yesterday", "2026-01-31 25:00", "1/2", "1/2/3", "9/19/2025 13:40 PM", "9/19/2025 0:40 PM", "2026-01-31 10:00 PST",
		"12345678901", "999", "2026-01-31T10:00:00+99:00", "1.5", "01.02.2026.", "Q1 2026", "2026-W05", "3-6.2023", "00000000"} {
		if got, bad := moments(t, file.Config{}, text); len(bad) != 1 || bad[0].Row != 2 {
			t.Errorf("%s: %v %v", text, got, bad)
		}
	}
}

func TestTheWholeColumnDecidesWhetherTheDayOrTheMonthComesFirst(t *testing.T) {
	yes, no := true, false
	for _, c := range []struct {
		name   string
		first  *bool
		values []string
		want   string // the first moment, or what the fault says
	}{
		{"a later row decides", nil, []string{"3/6/2023", "11/20/2022"}, "2023-03-06T00:00:00.000Z"},
		{"the other way", nil, []string{"3/6/2023", "20/11/2022"}, "2023-06-03T00:00:00.000Z"},
		{"two digits of the year", nil, []string{"03.06.21", "13.03.21"}, "2021-06-03T00:00:00.000Z"},
		{"other forms decide nothing", nil, []string{"3/6/2023", "2023-01-31", "12/Mar/26"}, "no row of the column decides it"},
		{"nothing decides", nil, []string{"3/6/2023 9:00 AM"}, "Set day_first to true"},
		{"said: the day", &yes, []string{"3/6/2023"}, "2023-06-03T00:00:00.000Z"},
		{"said: the month", &no, []string{"3/6/2023"}, "2023-03-06T00:00:00.000Z"},
		{"said against the column", &no, []string{"3/6/2023", "20/11/2022"}, "is no date with the month first"},
		{"both in one column", nil, []string{"20/11/2022", "11/20/2022"}, "row 3 has the month first"},
		{"day numbers beside dates", nil, []string{"45017", "20/11/2022"}, "is the day number of a spreadsheet"},
	} {
		got, bad := moments(t, file.Config{DayFirst: c.first}, c.values...)
		switch {
		case strings.HasPrefix(c.want, "20"):
			if len(bad) > 0 || got[0] != c.want {
				t.Errorf("%s: %v %v", c.name, got, bad)
			}
		case len(bad) != 1 || bad[0].Column != "last_seen_at" || !strings.Contains(bad[0].Text, c.want):
			t.Errorf("%s: %v %v", c.name, got, bad)
		}
	}
}

func TestOneColumnNeverDecidesForAnother(t *testing.T) {
	cfg := file.Config{Kind: "person", Columns: map[string]string{"No": "id", "Hire Date": "start_on", "Termination Date": "end_on"}, NoneEmpty: []string{"end_on"}}
	text := "No,Hire Date,Termination Date\n7,3/6/2023,\n8,11/20/2022,6/1/2026\n"
	_, report, _ := taken(t, cfg, text)
	if report.Total != 1 || report.Faults[0].Column != "Termination Date" || report.Faults[0].Row != 3 {
		t.Errorf("%v", report.Faults)
	}
	no := false
	cfg.DayFirst = &no
	got, report, err := taken(t, cfg, text)
	if err != nil || got[0].Attrs["start_on"] != "2023-03-06" || got[1].Attrs["end_on"] != "2026-06-01" || len(report.Notes) != 2 {
		t.Errorf("%v %v %v", got, report.Notes, err)
	}
}

func TestADayBeginsWhereItsZoneBeginsIt(t *testing.T) {
	for zone, want := range map[string]string{"": "2018-11-04T00:00:00.000Z", "Europe/Berlin": "2018-11-03T23:00:00.000Z", "America/Sao_Paulo": "2018-11-04T03:00:00.000Z"} { // there midnight was skipped
		if got, bad := moments(t, file.Config{Zone: zone}, "2018-11-04"); len(bad) > 0 || got[0] != want {
			t.Errorf("%s: %v %v", zone, got, bad)
		}
	}
	got, bad := moments(t, file.Config{Zone: "Europe/Berlin"}, "2026-07-01 10:00", "2026-07-01T10:00:00Z")
	if len(bad) > 0 || got[0] != "2026-07-01T08:00:00.000Z" || got[1] != "2026-07-01T10:00:00.000Z" {
		t.Errorf("%v %v", got, bad)
	}
}
