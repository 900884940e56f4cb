package text

import (
	"html"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/palabre-cms/palabre/core"
)

const (
	maxFragments   = 3   // for one path
	fragmentLength = 180 // bytes, about
)

// Highlight shows where the words of a query stand: by path, the best fragments of its texts, escaped for HTML, the words
// between <mark> and </mark>. Paths without any are left out. Of a path in several languages one is looked at: that of the
// query where there is one, else that of its first text.
func (x *Index) Highlight(q Query, fields []FieldText) map[string][]string {
	units, err := x.parse(q.Text)
	if err != nil {
		return nil
	}
	a := x.analysers.Get().(*analyser)
	defer x.analysers.Put(a)
	for _, e := range efforts(q) {
		h := newHighlighter(units, e)
		if out := h.all(a, q, fields); len(out) > 0 {
			return out
		}
	}
	return nil
}

// highlighter knows the words to mark.
type highlighter struct {
	terms  map[language]map[string]bool
	begins string // what a word may begin with
	nearly []string
}

func newHighlighter(units []unit, e effort) *highlighter {
	h := &highlighter{terms: map[language]map[string]bool{french: {}, english: {}, unknown: {}, other: {}}}
	for i := range units {
		if !units[i].exclude {
			h.learn(&units[i], e, i == len(units)-1)
		}
	}
	return h
}

func (h *highlighter) learn(u *unit, e effort, last bool) {
	for _, w := range u.words {
		w.forms(func(form *word) {
			for l, terms := range h.terms {
				form.terms(l, func(term string) { terms[term] = true })
			}
		})
	}
	folded := u.words[0].first.folded
	switch {
	case u.phrase || u.optional:
	case e == beginnings && last && len(folded) >= minBeginning:
		h.begins = folded
	case e == mistakes && len(folded) >= minMistaken:
		h.nearly = append(h.nearly, folded)
	}
}

func (h *highlighter) all(a *analyser, q Query, fields []FieldText) map[string][]string {
	out := map[string][]string{}
	shown := shownLocales(q, fields)
	if len(q.Looks) == 0 {
		return out
	}
	for _, f := range fields {
		if !q.Looks[0].sees(f.Path, f.Private) || f.Locale != shown[f.Path] || len(out[f.Path]) >= maxFragments {
			continue
		}
		marks := h.marks(a, f.Text, languageOf(f.Locale))
		if len(marks) == 0 {
			continue
		}
		fragments := append(out[f.Path], fragments(f.Text, marks)...)
		out[f.Path] = fragments[:min(len(fragments), maxFragments)]
	}
	return out
}

// shownLocales gives, by path, the language that a reader of the query sees.
func shownLocales(q Query, fields []FieldText) map[string]core.Locale {
	shown := map[string]core.Locale{}
	for _, f := range fields {
		if _, known := shown[f.Path]; !known || f.Locale == q.Locale {
			shown[f.Path] = f.Locale
		}
	}
	return shown
}

type mark struct{ start, end int }

// marks finds the words of a text that are to be marked.
func (h *highlighter) marks(a *analyser, text string, l language) []mark {
	var out []mark
	a.scan(text, func(s span) {
		hit := false
		s.forms(func(w *word) { hit = hit || h.hits(w, l) })
		if hit {
			out = append(out, mark{s.start, s.end})
		}
	})
	return out
}

func (h *highlighter) hits(w *word, l language) bool {
	hit := h.begins != "" && strings.HasPrefix(w.folded, h.begins)
	w.terms(l, func(term string) { hit = hit || h.terms[l][term] })
	return hit || slices.ContainsFunc(h.nearly, func(near string) bool { return oneMistake(near, w.folded) })
}

// oneMistake reports whether one letter put in, left out or replaced makes one of the words the other.
func oneMistake(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i == len(a) || a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}

// fragments cuts a text to the stretches that have the most marks, in the order of the text.
func fragments(text string, marks []mark) []string {
	windows := windowsOf(text, marks)
	slices.SortStableFunc(windows, func(a, b window) int { return len(b.marks) - len(a.marks) })
	windows = windows[:min(len(windows), maxFragments)]
	slices.SortFunc(windows, func(a, b window) int { return a.start - b.start })
	out := make([]string, len(windows))
	for i, w := range windows {
		out[i] = w.html(text)
	}
	return out
}

// window is a stretch of text with the marks inside it.
type window struct {
	start, end int
	marks      []mark
}

// windowsOf groups marks that fit into one fragment.
func windowsOf(text string, marks []mark) []window {
	var out []window
	for _, m := range marks {
		if n := len(out); n > 0 && m.end-out[n-1].marks[0].start <= fragmentLength-40 {
			out[n-1].marks = append(out[n-1].marks, m)
			continue
		}
		out = append(out, window{marks: []mark{m}})
	}
	for i := range out {
		out[i].widen(text)
	}
	return out
}

// widen takes in what stands around the marks, up to the edges of words.
func (w *window) widen(text string) {
	first, last := w.marks[0].start, w.marks[len(w.marks)-1].end
	around := max(fragmentLength-(last-first), 0) / 2
	w.start, w.end = max(first-around, 0), min(last+around, len(text))
	if w.start > 0 {
		if space := strings.IndexByte(text[w.start:first], ' '); space >= 0 {
			w.start += space + 1
		} else {
			w.start = first
		}
	}
	if w.end < len(text) {
		if space := strings.LastIndexByte(text[last:w.end], ' '); space >= 0 {
			w.end = last + space
		} else {
			w.end = last
		}
	}
}

func (w *window) html(text string) string {
	var b strings.Builder
	if w.start > 0 {
		b.WriteString("… ")
	}
	at := w.start
	for _, m := range w.marks {
		b.WriteString(escape(text[at:m.start]))
		b.WriteString("<mark>")
		b.WriteString(escape(text[m.start:m.end]))
		b.WriteString("</mark>")
		at = m.end
	}
	b.WriteString(escape(text[at:w.end]))
	if w.end < len(text) {
		b.WriteString(" …")
	}
	return b.String()
}

func escape(s string) string {
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "�")
	}
	return html.EscapeString(s)
}
