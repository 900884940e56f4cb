package text

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// phrase finds the documents that have all words of a phrase in one field, side by side. Function words of the
// field's language are not indexed: any word may stand in their places.
func (g *segmentSearch) phrase(u *unit, n int, words []wordPlan) (*roaring.Bitmap, error) {
	out := roaring.New()
	for i := range g.view.fields {
		docs, err := g.phraseIn(u, n, words, i)
		if err != nil {
			return nil, err
		}
		out.Or(docs)
	}
	return out, nil
}

// step is one word of a phrase in one field: its place and the lists of the terms that it may be.
type step struct {
	place int
	lists []posting
	docs  *roaring.Bitmap
}

func (g *segmentSearch) phraseIn(u *unit, n int, words []wordPlan, f int) (*roaring.Bitmap, error) {
	steps, err := g.steps(u, words, f)
	if err != nil || len(steps) == 0 {
		return roaring.New(), err
	}
	candidates := steps[0].docs.Clone()
	for _, s := range steps[1:] {
		candidates.And(s.docs)
	}
	matching, err := adjacent(steps, candidates)
	if err != nil {
		return nil, err
	}
	for _, s := range steps {
		for _, p := range s.lists {
			p.docs = roaring.And(p.docs, matching)
			g.postings[n] = append(g.postings[n], p)
		}
	}
	return matching, nil
}

// steps opens the lists of a phrase in a field; none when a word that is needed has no list there.
func (g *segmentSearch) steps(u *unit, words []wordPlan, f int) ([]step, error) {
	var steps []step
	for w, terms := range words {
		s := step{place: u.places[w], docs: roaring.New()}
		asked := false
		for _, t := range terms {
			if t.field != f {
				continue
			}
			asked = true
			p, err := g.view.openField(g.number, f, t.term)
			if err != nil {
				return nil, err
			}
			p.field, p.factor = &g.view.fields[f], t.factor
			s.lists, s.docs = append(s.lists, p), roaring.Or(s.docs, p.docs)
		}
		if asked {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

// adjacent keeps the candidates in which the words stand at their places.
func adjacent(steps []step, candidates *roaring.Bitmap) (*roaring.Bitmap, error) {
	if candidates.IsEmpty() || len(steps) == 1 {
		return candidates, nil
	}
	starts := map[uint32][]int{} // document to where the phrase may begin
	for i := range steps {
		at, err := steps[i].starts(candidates)
		if err != nil {
			return nil, err
		}
		if i == 0 {
			starts = at
			continue
		}
		intersect(starts, at)
	}
	out := roaring.New()
	for doc := range starts {
		out.Add(doc)
	}
	return out, nil
}

// starts gives, by document, where the phrase would begin for this word to stand where it does.
func (s *step) starts(candidates *roaring.Bitmap) (map[uint32][]int, error) {
	out := map[uint32][]int{}
	for _, p := range s.lists {
		it := p.list.Iterator(true, true, true, nil)
		narrow(it, roaring.And(p.docs, candidates))
		for {
			hit, err := it.Next()
			if err != nil {
				return nil, err
			}
			if hit == nil {
				break
			}
			doc := uint32(hit.Number())
			for _, l := range hit.Locations() {
				out[doc] = append(out[doc], int(l.Pos())-s.place)
			}
		}
	}
	return out, nil
}

// intersect keeps in starts what is also in other.
func intersect(starts, other map[uint32][]int) {
	for doc, list := range starts {
		kept := slices.DeleteFunc(list, func(at int) bool { return !slices.Contains(other[doc], at) })
		if len(kept) == 0 {
			delete(starts, doc)
			continue
		}
		starts[doc] = kept
	}
}
