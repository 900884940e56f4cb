package email_test

import (
	"testing"

	"github.com/palabre-cms/palabre/core/internal/email"
)

func TestNormal(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, address, normal string
		faithful              bool
	}{
		{"as it is kept", "camille@example.org", "camille@example.org", true},
		{"capitals", "Camille@Example.ORG", "camille@example.org", true},
		{"an accent", "élodie@example.org", "élodie@example.org", true},
		{"a capital with an accent", "Élodie@example.org", "élodie@example.org", true},
		{"an accent of its own", "e\u0301lodie@example.org", "élodie@example.org", false},
		{"the Kelvin sign", "\u212aamille@example.org", "kamille@example.org", false},
		{"the Angstrom sign", "\u212bsa@example.org", "åsa@example.org", false},
		{"a dotted capital", "cam\u0130lle@example.org", "camille@example.org", false},
		{"wide letters", "ｃamille@example.org", "camille@example.org", false},
		{"a wide at", "camille＠example.org", "camille@example.org", false},
		{"a ligature", "o\ufb03ce@example.org", "office@example.org", false},
		{"a raised figure", "camille²@example.org", "camille2@example.org", false},
		{"blanks around", " camille@example.org", "camille@example.org", false},
		{"nothing", "", "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := email.Normal(tc.address); got != tc.normal {
				t.Errorf("got %q, want %q", got, tc.normal)
			}
			if got := email.Normal(tc.normal); got != tc.normal {
				t.Errorf("twice: %q", got)
			}
			if got := email.Faithful(tc.address); got != tc.faithful {
				t.Errorf("faithful: %v", got)
			}
		})
	}
}
