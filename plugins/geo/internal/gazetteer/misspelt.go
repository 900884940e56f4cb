package gazetteer

import "strings"

// shortestMisspelt is how many letters a query needs before one of them is taken for wrong.
const shortestMisspelt = 4

// addMisspelt adds what has a name, or a word of its name, that begins with q but for one letter. What is wrong in the first
// half of a word leaves the second half as it is, so that only names with either half need a closer look. A letter stands
// between the halves, since two that are exchanged may belong to both.
func (s *search) addMisspelt(q string) {
	for _, form := range s.forms(q) {
		if len(form.text) < shortestMisspelt {
			continue
		}
		half := len(form.text) / 2
		s.addMisspeltAmong(form, " "+form.text[:half])
		s.addMisspeltAmong(form, form.text[half+1:])
	}
}

func (s *search) addMisspeltAmong(form form, part string) {
	for i := range form.lines.containing(part) {
		if fit, ok := misspeltIn(form.text, form.lines.line(int(i))); ok {
			s.add(i, s.rankOf(form, fit))
		}
	}
}

// misspeltIn says how well a line fits a text with one wrong letter.
func misspeltIn(text, line string) (fit, bool) {
	best := starting
	for {
		if rest, ok := oneEdit(text, line); ok {
			if rest == "" && best == starting {
				return whole, true
			}
			return best, true
		}
		_, next, more := strings.Cut(line, " ")
		if !more {
			return 0, false
		}
		line, best = next, within
	}
}

// oneEdit tells whether a line begins with text after one letter of it is changed, put in, left out, or exchanged with
// the next one, and gives the rest of the line. Where there are several ways, it takes the one with the least rest.
func oneEdit(text, line string) (rest string, ok bool) {
	at := 0
	for at < len(text) && at < len(line) && text[at] == line[at] {
		at++
	}
	wrong, right := text[at:], line[at:]
	rest, ok = right, wrong == ""
	try := func(wrong, right string) {
		if after, fits := strings.CutPrefix(right, wrong); fits && (!ok || len(after) < len(rest)) {
			rest, ok = after, true
		}
	}
	if len(wrong) > 0 {
		try(wrong[1:], right)
	}
	if len(right) > 0 {
		try(wrong, right[1:])
	}
	if len(wrong) > 0 && len(right) > 0 {
		try(wrong[1:], right[1:])
	}
	if len(wrong) > 1 && len(right) > 1 && wrong[0] == right[1] && wrong[1] == right[0] {
		try(wrong[2:], right[2:])
	}
	return rest, ok
}
