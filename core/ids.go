package core

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
	"time"
)

// TypeName names a content type: "fiche". Names that begin with "_" are the system's own.
type TypeName string

// System reports whether the type belongs to Palabre itself.
func (n TypeName) System() bool { return strings.HasPrefix(string(n), "_") }

// EntryID identifies an entry for ever: a ULID in lower case, so that identifiers sort by creation.
type EntryID string

// Locale is a BCP 47 language tag as the content types list it: "fr", "en", "pt-BR".
type Locale string

// Position counts commits: 1, 2, 3, … with no gaps. Zero is the empty log.
type Position uint64

// Text is one sentence in several languages: {"fr": "Titre", "en": "Title"}.
type Text map[Locale]string

// Say makes a sentence in English and French, the arguments filled into both as fmt.Sprintf does.
func Say(en, fr string, args ...any) Text {
	if len(args) > 0 {
		en, fr = fmt.Sprintf(en, args...), fmt.Sprintf(fr, args...)
	}
	return Text{"en": en, "fr": fr}
}

// In gives the text in a language, else in French, else in English, else any.
func (t Text) In(l Locale) string {
	for _, try := range [...]Locale{l, "fr", "en"} {
		if s, ok := t[try]; ok {
			return s
		}
	}
	for _, s := range t {
		return s
	}
	return ""
}

var crockford = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

var lastID struct {
	sync.Mutex
	ms   uint64
	tail [10]byte
}

// NewID makes an identifier: 48 bits of milliseconds and 80 random bits, 26 characters
// (https://github.com/ulid/spec). Within one millisecond and process they rise.
func NewID(at time.Time) EntryID {
	lastID.Lock()
	defer lastID.Unlock()
	ms := uint64(at.UnixMilli())
	if ms == lastID.ms {
		for i := len(lastID.tail) - 1; i >= 0; i-- {
			lastID.tail[i]++
			if lastID.tail[i] != 0 {
				break
			}
		}
	} else {
		lastID.ms = ms
		if _, err := rand.Read(lastID.tail[:]); err != nil {
			panic("core: no randomness: " + err.Error())
		}
	}
	// 128 bits in 26 characters of 5: the two spare bits lead, so that the text sorts like the number.
	var raw [17]byte
	binary.BigEndian.PutUint64(raw[1:9], ms<<16)
	copy(raw[7:17], lastID.tail[:])
	var shifted [17]byte
	for i := range raw {
		shifted[i] = raw[i] << 6
		if i+1 < len(raw) {
			shifted[i] |= raw[i+1] >> 2
		}
	}
	return EntryID(crockford.EncodeToString(shifted[:])[:26])
}

// ValidID reports whether s has the form of an identifier made by NewID.
func ValidID(s string) bool {
	if len(s) != 26 {
		return false
	}
	for i := 0; i < len(s); i++ {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z' || c == 'i' || c == 'l' || c == 'o' || c == 'u') {
			return false
		}
	}
	return true
}
