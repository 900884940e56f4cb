package schema

import (
	"fmt"
	"sort"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/spelling"
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

// meant appends the nearest right name to a sentence.
func meant(text core.Text, wrong string, names []string) core.Text {
	near := spelling.Nearest(wrong, names)
	if near == "" {
		return text
	}
	return core.Text{"fr": text["fr"] + " Vouliez-vous dire « " + near + " » ?", "en": text["en"] + " Did you mean “" + near + "”?"}
}
