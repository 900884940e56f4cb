package query

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

// literal is a value as it was written: the text of a URL parameter, or a decoded JSON value.
type literal struct {
	text   string
	isText bool
	json   any
}

// null reports whether the literal is no value: null in a URL and in JSON. In JSON "null" is the word.
func (l literal) null() bool {
	if l.isText {
		return l.text == "null"
	}
	return l.json == nil
}

// items splits a list: at the commas of a URL parameter, an empty one being the empty list, or a JSON array.
func (l literal) items() ([]literal, bool) {
	if !l.isText {
		array, ok := l.json.([]any)
		items := make([]literal, len(array))
		for i := range array {
			items[i].json = array[i]
		}
		return items, ok
	}
	if l.text == "" {
		return nil, true
	}
	var items []literal
	for s := range strings.SplitSeq(l.text, ",") {
		items = append(items, literal{text: s, isText: true})
	}
	return items, true
}

// boolean reads true and false.
func (l literal) boolean() (bool, bool) {
	if b, ok := l.json.(bool); ok {
		return b, true
	}
	return l.text == "true", l.isText && (l.text == "true" || l.text == "false")
}

// value reads a literal as a value of a kind; ok is false for one that is none.
func (l literal) value(kind core.Kind) (v any, ok bool) {
	switch kind {
	case core.KindBoolean:
		return l.boolean()
	case core.KindInteger:
		return l.integer()
	case core.KindNumber:
		return l.number()
	}
	s, ok := l.string()
	if !ok || len(s) > maxValue || !utf8.ValidString(s) {
		return nil, false
	}
	switch kind {
	case core.KindTime:
		return parseTime(s)
	case core.KindDate:
		return parseDate(s)
	}
	return s, true
}

func (l literal) string() (string, bool) {
	if l.isText {
		return l.text, true
	}
	s, ok := l.json.(string)
	return s, ok
}

// digits gives the text of a number, however it was written.
func (l literal) digits() (string, bool) {
	if n, ok := l.json.(json.Number); ok {
		return string(n), true
	}
	return l.string()
}

func (l literal) number() (any, bool) {
	s, ok := l.digits()
	f, err := parseFloat(s)
	return f, ok && err == nil
}

// integer takes 3.0 and 1e3 too: they are whole.
func (l literal) integer() (any, bool) {
	s, ok := l.digits()
	if !ok {
		return nil, false
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && s[0] != '+' {
		return n, true
	}
	f, err := parseFloat(s)
	if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 {
		return nil, false
	}
	return int64(f), true
}

// parseFloat reads a finite decimal number; ParseFloat alone would take NaN, Inf, 0x1p4 and 1_000.
func parseFloat(s string) (float64, error) {
	if s == "" || len(s) > 400 || strings.Trim(s, "0123456789+-.eE") != "" || s[0] == '+' {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseFloat(s, 64)
}

// parseTime reads RFC 3339, or a date for its first moment in UTC. A "+" that a URL turned into a space is one.
func parseTime(s string) (any, bool) {
	if day, err := time.Parse(time.DateOnly, s); err == nil {
		return day, true
	}
	at, err := time.Parse(time.RFC3339Nano, strings.Replace(s, " ", "+", 1))
	if err != nil {
		return nil, false
	}
	return at.UTC(), true
}

func parseDate(s string) (any, bool) {
	day, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return nil, false
	}
	return day, true
}

// wanted says what a value of a kind looks like.
func wanted(kind core.Kind) core.Text {
	switch kind {
	case core.KindBoolean:
		return core.Say("true or false", "true ou false")
	case core.KindInteger:
		return core.Say("a whole number", "un nombre entier")
	case core.KindNumber:
		return core.Say("a number", "un nombre")
	case core.KindTime:
		return core.Say("a time such as 2026-02-01T09:00:00Z, or a date", "un instant comme 2026-02-01T09:00:00Z, ou une date")
	case core.KindDate:
		return core.Say("a date such as 2026-02-01", "une date comme 2026-02-01")
	case core.KindRef, core.KindMedia:
		return core.Say("the identifier of an entry", "l’identifiant d’un contenu")
	default:
		return core.Say("text of at most %d bytes, in quotes where the filter is JSON", "un texte de %d octets au plus, entre guillemets là où le filtre est en JSON", maxValue)
	}
}
