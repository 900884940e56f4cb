package mail

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

const (
	maxAddress = 254
	maxSubject = 400
)

// address is one mailbox.
type address struct{ parsed *mail.Address }

// readSender reads the operator's address, which may have a name.
func readSender(s string) (address, error) {
	if !printable(s) {
		return address{}, noAddress()
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil {
		return address{}, noAddress()
	}
	return address{parsed}, nil
}

// readRecipient reads a bare address: of all that the grammar of mail allows beside, nothing is needed, and each of it
// has been a way to a second recipient somewhere.
func readRecipient(s string) (address, error) {
	if len(s) > maxAddress || !printable(s) || strings.ContainsAny(s, " \"(),:;<>[\\]") || strings.Count(s, "@") != 1 {
		return address{}, noAddress()
	}
	parsed, err := mail.ParseAddress(s)
	if err != nil || parsed.Address != s || parsed.Name != "" {
		return address{}, noAddress()
	}
	return address{parsed}, nil
}

func (a address) domain() string {
	return a.parsed.Address[strings.LastIndexByte(a.parsed.Address, '@')+1:]
}

// printable reports whether a text has no line break and no other control character.
func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) < 0
}

func noAddress() error {
	return refuse("That is not an e-mail address.", "Ce n’est pas une adresse électronique.")
}

func refuse(en, fr string) error {
	return &core.Error{Op: "mail.Send", Code: core.CodeInvalid, Message: en, Texts: core.Text{"en": en, "fr": fr}}
}
