package text

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/palabre-cms/palabre/core"
)

// language says how the text of a field was analysed.
type language byte

const (
	french  language = 'f'
	english language = 'e'
	unknown language = 'u' // no stated language: French stems, and the words as written
	other   language = 'o' // words as written
)

func languageOf(l core.Locale) language {
	base, _, _ := strings.Cut(string(l), "-")
	switch base {
	case "":
		return unknown
	case "fr":
		return french
	case "en":
		return english
	default:
		return other
	}
}

// field is one searchable field of the index: all texts of a type at one path that share visibility, language and weight.
// The path is part of it, so that a search can be kept to the fields that its caller may read.
type field struct {
	typ     core.TypeName
	private bool
	lang    language
	weight  float64
	path    string
	name    string
}

// typeField holds, for every document of a type, the one term "1": how many there are.
const typeField = "#"

func fieldFor(typ core.TypeName, f *FieldText, own core.Locale) field {
	locale := f.Locale
	if locale == "" {
		locale = own
	}
	made := field{typ: typ, private: f.Private, lang: languageOf(locale), weight: f.Weight, path: f.Path}
	made.name = made.key()
	return made
}

func (f *field) key() string {
	visibility := "+"
	if f.private {
		visibility = "-"
	}
	return string(f.typ) + " " + visibility + string(f.lang) + strconv.FormatFloat(f.weight, 'g', 6, 64) + " " + f.path
}

// parseField undoes key.
func parseField(name string) (field, bool) {
	typ, rest, _ := strings.Cut(name, " ")
	kind, path, ok := strings.Cut(rest, " ")
	if !ok || len(kind) < 3 {
		return field{}, false
	}
	weight, err := strconv.ParseFloat(kind[2:], 64)
	return field{typ: core.TypeName(typ), private: kind[0] == '-', lang: language(kind[1]), weight: weight, path: path, name: name}, err == nil
}

func compareFields(a, b field) int { return cmp.Compare(a.name, b.name) }

// usual is the length in words that a field of this weight is compared with when it is scored.
func (f *field) usual() float64 {
	return min(max(240/(f.weight*f.weight), 6), 400)
}
