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
func (v *snapshot) widen(f *field, w *word, e effort, add func(term string, share float64)) {
	switch e {
	case beginnings:
		v.beginnings(f, w, add)
	case mistakes:
		dictionary, err := v.FieldDictFuzzy(f.name, w.folded, 1, "")
		each(dictionary, err, func(term string) { add(term, shareOfMistake) })
		w.terms(f.lang, func(stem string) {
			if stem == w.folded || len(stem) < minMistaken {
				return
			}
			dictionary, err := v.FieldDictFuzzy(f.name, stem, 1, "")
			each(dictionary, err, func(term string) { add(term, shareOfMistake) })
		})
	}
}

// beginnings finds terms that begin like the word. The dictionary holds stems, and one may be shorter than what has
// been typed of its word ("particip" for "participati"): then the longest stem that begins the word will do.
func (v *snapshot) beginnings(f *field, w *word, add func(term string, share float64)) {
	found := 0
	dictionary, err := v.FieldDictPrefix(f.name, []byte(w.folded))
	each(dictionary, err, func(term string) {
		found++
		add(term, shareOfBeginning)
	})
	for end := len(w.folded) - 1; found == 0 && end >= max(4, len(w.folded)-5); end-- {
		if !v.hasTerm(f, w.folded[:end]) {
			continue
		}
		add(w.folded[:end], shareOfBeginning)
		found++
	}
}

func (v *snapshot) hasTerm(f *field, term string) bool {
	for _, seg := range v.Segments() {
		if p, err := openPosting(seg, f.name, term); err == nil && !p.docs.IsEmpty() {
			return true
		}
	}
	return false
}

func each(dictionary index.FieldDict, err error, f func(term string)) {
	if err != nil {
		return
	}
	defer dictionary.Close()
	for range maxWidened {
		entry, err := dictionary.Next()
		if err != nil || entry == nil {
			return
		}
		f(entry.Term)
	}
}
