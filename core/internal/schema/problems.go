package schema

import (
	"fmt"
	"sort"

	"github.com/palabre-cms/palabre/core"
)

// problems collects what is wrong, each with a pointer and a sentence in both languages.
type problems []core.FieldError

func (p *problems) add(pointer, keyword string, text core.Text) {
	*p = append(*p, problem(pointer, keyword, text, nil))
}

func problem(pointer, keyword string, text core.Text, params map[string]any) core.FieldError {
	return core.FieldError{Pointer: pointer, Keyword: keyword, Message: text["en"], Texts: text, Params: params}
}

// maxProblems is how many broken rules one answer lists: enough to repair a form, not enough to flood one.
const maxProblems = 100

// sorted puts problems in the order of their pointers, drops repetitions and the excess.
func (p problems) sorted() []core.FieldError {
	sort.SliceStable(p, func(i, j int) bool {
		if p[i].Pointer != p[j].Pointer {
			return p[i].Pointer < p[j].Pointer
		}
		return p[i].Keyword < p[j].Keyword
	})
	out := p[:0]
	for i, e := range p {
		if i > 0 && e.Pointer == p[i-1].Pointer && e.Keyword == p[i-1].Keyword && e.Message == out[len(out)-1].Message {
			continue
		}
		out = append(out, e)
	}
	if len(out) > maxProblems {
		out = out[:maxProblems]
	}
	return out
}

// say makes one sentence in both languages from the same figures.
func say(fr, en string, args ...any) core.Text {
	if len(args) == 0 {
		return core.Text{"fr": fr, "en": en}
	}
	return core.Text{"fr": fmt.Sprintf(fr, args...), "en": fmt.Sprintf(en, args...)}
}

// nearest finds the name that a misspelt one most likely meant; "" when none is close.
func nearest(wrong string, names []string) string {
	best, bestDistance := "", len(wrong)/3+2
	for _, name := range names {
		d := distance(wrong, name, bestDistance+1)
		if d < bestDistance || d == bestDistance && best != "" && name < best {
			best, bestDistance = name, d
		}
	}
	return best
}

// distance is the number of edits between two words; limit or more when it is that much.
func distance(a, b string, limit int) int {
	if diff := len(a) - len(b); diff >= limit || -diff >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return min(row[len(b)], limit)
}

// meant appends the nearest right name to a sentence.
func meant(text core.Text, wrong string, names []string) core.Text {
	near := nearest(wrong, names)
	if near == "" {
		return text
	}
	return core.Text{"fr": text["fr"] + " Vouliez-vous dire « " + near + " » ?", "en": text["en"] + " Did you mean “" + near + "”?"}
}
