package text

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/palabre-cms/palabre/core"
)

// Look is what a query sees of one type. What it does not see is as if it were not in the index: it matches nothing, makes
// no word rarer or more common, and no row better or worse than another.
type Look struct {
	Type    core.TypeName
	Private bool                  // private fields too
	Fields  []string              // these paths and no others; nil for all
	Rows    func(row uint64) bool // these rows and no others; nil for all
}

// sees reports whether the query may look at a text.
func (l *Look) sees(path string, private bool) bool {
	return (l.Private || !private) && (l.Fields == nil || slices.Contains(l.Fields, path))
}

// look is what the query sees of a type; nil for nothing.
func (q *Query) look(name core.TypeName) *Look {
	for i := range q.Looks {
		if q.Looks[i].Type == name {
			return &q.Looks[i]
		}
	}
	return nil
}

// seen keeps the documents whose rows are looked at.
func (v *snapshot) seen(segment int, l *Look, docs *roaring.Bitmap) (*roaring.Bitmap, error) {
	if l.Rows == nil {
		return docs, nil
	}
	if v.shown[segment] == nil {
		v.shown[segment] = map[uint32]bool{}
	}
	out := roaring.New()
	for it := docs.Iterator(); it.HasNext(); {
		n := it.Next()
		shown, known := v.shown[segment][n]
		if !known {
			id, err := v.Segments()[segment].DocID(uint64(n))
			if err != nil {
				return nil, err
			}
			row := rowOf(id)
			shown = l.Rows(row) && (v.hidden == nil || !v.hidden.has(row))
			v.shown[segment][n] = shown
		}
		if shown {
			out.Add(n)
		}
	}
	return out, nil
}
