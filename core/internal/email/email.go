// Package email knows when two spellings of an e-mail address are the same person's.
package email

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Normal gives the one spelling of an address under which accounts are kept and looked for. Accents stay: two addresses
// that differ by one are two people's.
func Normal(address string) string {
	return norm.NFKC.String(strings.ToLower(strings.TrimSpace(norm.NFKC.String(address))))
}

// Faithful reports whether Normal changes nothing of an address but the case of its letters. Whoever has proved that an
// unfaithful one is his has not proved it of its normal spelling: that may be another person's, as kelvin@example.org is for
// an address that begins with the Kelvin sign.
func Faithful(address string) bool {
	for _, r := range address {
		if small := unicode.ToLower(r); small != r && unicode.ToUpper(small) != r {
			return false
		}
	}
	return Normal(address) == strings.ToLower(address)
}
