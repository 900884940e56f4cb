package text

import (
	index "github.com/blevesearch/bleve_index_api"
)

// What a term that was not asked for in so many words is worth.
const (
	shareOfBeginning = 0.7
	shareOfMistake   = 0.5
	maxWidened       = 200 // terms for one word in one field
	minBeginning     = 3   // letters of the last word
	minMistaken      = 5   // letters: shorter words have too many neighbours
)

// widen adds the terms of a field that a word may also stand for. A dictionary that cannot be read widens nothing.
func (v *snapshot) widen(field int, w *word, e effort, add func(term string, share float64)) {
	f := &v.fields[field]
	switch e {
	case beginnings:
		v.beginnings(field, w, add)
	case mistakes:
		dictionary, err := v.FieldDictFuzzy(f.name, w.folded, 1, "")
		v.each(field, dictionary, err, func(term string) { add(term, shareOfMistake) })
		w.terms(f.lang, func(stem string) {
			if stem == w.folded || len(stem) < minMistaken {
				return
			}
			dictionary, err := v.FieldDictFuzzy(f.name, stem, 1, "")
			v.each(field, dictionary, err, func(term string) { add(term, shareOfMistake) })
		})
	}
}

// beginnings finds terms that begin like the word. The dictionary holds stems, and one may be shorter than what has
// been typed of its word ("particip" for "participati"): then the longest stem that begins the word will do.
func (v *snapshot) beginnings(field int, w *word, add func(term string, share float64)) {
	found := 0
	dictionary, err := v.FieldDictPrefix(v.fields[field].name, []byte(w.folded))
	v.each(field, dictionary, err, func(term string) {
		found++
		add(term, shareOfBeginning)
	})
	for end := len(w.folded) - 1; found == 0 && end >= max(4, len(w.folded)-5); end-- {
		if !v.hasTerm(field, w.folded[:end]) {
			continue
		}
		add(w.folded[:end], shareOfBeginning)
		found++
	}
}

func (v *snapshot) hasTerm(field int, term string) bool {
	for segment := range v.Segments() {
		if p, err := v.openField(segment, field, term); err == nil && !p.docs.IsEmpty() {
			return true
		}
	}
	return false
}

// each calls f with the first terms of a dictionary. Where only some rows are looked at, the words of others are none.
func (v *snapshot) each(field int, dictionary index.FieldDict, err error, f func(term string)) {
	if err != nil {
		return
	}
	defer dictionary.Close()
	for called := 0; called < maxWidened; {
		entry, err := dictionary.Next()
		if err != nil || entry == nil {
			return
		}
		if v.looks[field].Rows == nil || v.hasTerm(field, entry.Term) {
			called++
			f(entry.Term)
		}
	}
}
