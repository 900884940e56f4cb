package core_test

import (
	"strings"
	"testing"
	"time"

	"github.com/palabre-cms/palabre/core"
)

func TestParsePeriod(t *testing.T) {
	for _, tc := range []struct {
		text string
		want core.Period
	}{
		{"P3Y", core.Period{Years: 3}},
		{"P13M", core.Period{Months: 13}},
		{"P2W", core.Period{Days: 14}},
		{"P1Y2M3W4DT5H6M7S", core.Period{Years: 1, Months: 2, Days: 25, Clock: 5*time.Hour + 6*time.Minute + 7*time.Second}},
		{"PT36H", core.Period{Clock: 36 * time.Hour}},
		{"P0D", core.Period{}},
		{"P007D", core.Period{Days: 7}},
	} {
		if got, err := core.ParsePeriod(tc.text); err != nil || got != tc.want {
			t.Errorf("%s: got %+v, %v, want %+v", tc.text, got, err, tc.want)
		}
	}
	for _, wrong := range []string{"", "P", "PT", "P1YT", "3Y", "p3Y", "P3y", "P-3Y", "P+3Y", "P1.5Y", "P1,5Y", "P3", "PY", "P3M2Y", "P1Y1Y", "P1H", "PT1Y", "PT1D",
		" P3Y", "P3Y ", "P3Y\n", "P٣Y", "P123456D", "P1D1W", "P3YT1HT1H", "P1Y/P2Y", "P" + strings.Repeat("1", 40) + "Y"} {
		if got, err := core.ParsePeriod(wrong); core.CodeOf(err) != core.CodeInvalid {
			t.Errorf("%q: got %+v, %v, want a refusal", wrong, got, err)
		}
	}
}

func TestPeriod_After(t *testing.T) {
	for _, tc := range []struct{ from, period, want string }{
		{"2024-05-10T12:30:00Z", "P3Y", "2027-05-10T12:30:00Z"},
		{"2025-01-31T00:00:00Z", "P1M", "2025-02-28T00:00:00Z"},
		{"2024-02-29T08:00:00Z", "P1Y", "2025-02-28T08:00:00Z"},
		{"2024-11-30T00:00:00Z", "P13M", "2025-12-30T00:00:00Z"},
		{"2024-12-31T00:00:00Z", "P2M7D", "2025-03-07T00:00:00Z"},
		{"2024-12-31T23:00:00Z", "PT2H", "2025-01-01T01:00:00Z"},
		{"2024-12-31T23:00:00Z", "P0D", "2024-12-31T23:00:00Z"},
	} {
		from, _ := time.Parse(time.RFC3339, tc.from)
		p, err := core.ParsePeriod(tc.period)
		if got := p.After(from).Format(time.RFC3339); err != nil || got != tc.want {
			t.Errorf("%s after %s: got %s, %v, want %s", tc.period, tc.from, got, err, tc.want)
		}
	}
}

// FuzzParsePeriod wants what is read to be short, to begin with P, and never to lead back in time.
func FuzzParsePeriod(f *testing.F) {
	for _, s := range []string{"P3Y", "P1Y2M3W4DT5H6M7S", "PT", "P", "P1M1M", "P99999Y", "P1.5D"} {
		f.Add(s)
	}
	from := time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := core.ParsePeriod(s)
		if err == nil && (!strings.HasPrefix(s, "P") || len(s) > 60 || p.After(from).Before(from)) {
			t.Errorf("%q is read as %+v", s, p)
		}
	})
}
