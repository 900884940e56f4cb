package text

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	segment "github.com/blevesearch/scorch_segment_api/v2"

	"github.com/palabre-cms/palabre/core"
)

// The parameters of BM25.
const (
	k1 = 1.2
	b  = 0.75
)

// effort is how far a search goes to find a word.
type effort int

const (
	exactly    effort = iota
	beginnings        // the last word may be the beginning of one
	mistakes          // words may have one mistake
)

// Search gives every row that matches, best first; rows of equal score by their number. An input without a word to look for
// matches nothing. CodeBadRequest for one that is too long.
func (x *Index) Search(ctx context.Context, q Query) ([]Match, error) {
	units, err := x.parse(q.Text)
	if err != nil || !slices.ContainsFunc(units, func(u unit) bool { return !u.exclude }) {
		return nil, err
	}
	s, err := x.newFinding(ctx, q, units)
	if err != nil {
		return nil, core.Wrap("text.Search", err)
	}
	defer s.close()
	for _, e := range efforts(q) {
		matches, err := s.run(e)
		if err != nil {
			return nil, core.Wrap("text.Search", err)
		}
		if len(matches) > 0 {
			return matches, nil
		}
	}
	return nil, nil
}

func (x *Index) parse(query string) ([]unit, error) {
	a := x.analysers.Get().(*analyser)
	defer x.analysers.Put(a)
	return a.units(query)
}

func efforts(q Query) []effort {
	if q.Fuzzy {
		return []effort{mistakes}
	}
	return []effort{exactly, beginnings, mistakes}
}

// finding is one query under way.
type finding struct {
	x         *Index
	ctx       context.Context
	q         Query
	units     []unit
	snapshots []*snapshot
}

// snapshot is a part as the search sees it.
type snapshot struct {
	*scorch.IndexSnapshot
	fields []field
	looks  []*Look           // by field
	hidden *part             // nil, or the part whose rows are passed over here
	shown  []map[uint32]bool // by segment: what was found out about documents, where only some rows are looked at
}

func (x *Index) newFinding(ctx context.Context, q Query, units []unit) (*finding, error) {
	s := &finding{x: x, ctx: ctx, q: q, units: units}
	if !q.Drafts {
		return s, s.look(x.published, nil)
	}
	if err := s.look(x.published, x.drafts); err != nil {
		return nil, err
	}
	if err := s.look(x.drafts, nil); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// look takes the part as it is now; rows that hidden holds too are passed over.
func (s *finding) look(p *part, hidden *part) error {
	taken, err := p.snapshot()
	if err != nil {
		return err
	}
	view := &snapshot{IndexSnapshot: taken, hidden: hidden, shown: make([]map[uint32]bool, len(taken.Segments()))}
	for _, f := range *p.fields.Load() {
		if l := s.q.look(f.typ); l != nil && l.sees(f.path, f.private) {
			view.fields, view.looks = append(view.fields, f), append(view.looks, l)
		}
	}
	s.snapshots = append(s.snapshots, view)
	return nil
}

func (s *finding) close() {
	for _, view := range s.snapshots {
		_ = view.Close()
	}
}

// run evaluates the query: first which documents match, as sets, then the scores of those.
func (s *finding) run(e effort) ([]Match, error) {
	plans, worth := s.plan(e)
	if !worth {
		return nil, nil
	}
	var found []*segmentSearch
	total, having := uint64(0), make([]uint64, len(s.units))
	for i, view := range s.snapshots {
		for n := range view.Segments() {
			if err := s.ctx.Err(); err != nil {
				return nil, err
			}
			g, err := s.segment(view, n, plans[i])
			if err != nil {
				return nil, err
			}
			total += g.documents
			for u, count := range g.having {
				having[u] += count
			}
			if !g.matching.IsEmpty() {
				found = append(found, g)
			}
		}
	}
	return s.score(found, rarities(total, having))
}

// rarities gives the weight of each unit: the rarer, the more it says.
func rarities(total uint64, having []uint64) []float64 {
	out := make([]float64, len(having))
	for u, n := range having {
		out[u] = math.Log(1 + (float64(total)-float64(min(n, total))+0.5)/(float64(n)+0.5))
	}
	return out
}

// plan says, for one part, which terms in which fields stand for each word of each unit.
type plan [][]wordPlan // by unit, then by word

type wordPlan []fieldTerm

type fieldTerm struct {
	field  int // in snapshot.fields
	term   string
	factor float64
}

// plan makes the plans of all parts. It reports whether this effort can find more than a smaller one.
func (s *finding) plan(e effort) ([]plan, bool) {
	plans := make([]plan, len(s.snapshots))
	worth := e == exactly || s.q.Fuzzy
	for i, view := range s.snapshots {
		plans[i] = make(plan, len(s.units))
		for u := range s.units {
			widen := s.widening(e, u)
			worth = worth || widen != exactly
			for _, w := range s.units[u].words {
				plans[i][u] = append(plans[i][u], s.planWord(view, w, widen))
			}
		}
	}
	return plans, worth
}

// widening is the effort that a unit takes part in.
func (s *finding) widening(e effort, u int) effort {
	unit := &s.units[u]
	if unit.phrase || unit.exclude || unit.optional {
		return exactly
	}
	letters := len(unit.words[0].first.folded)
	switch {
	case e == beginnings && u == len(s.units)-1 && letters >= minBeginning:
		return beginnings
	case e == mistakes && letters >= minMistaken:
		return mistakes
	}
	return exactly
}

func (s *finding) planWord(view *snapshot, w span, e effort) wordPlan {
	var out wordPlan
	for i := range view.fields {
		f := &view.fields[i]
		factor := f.weight * s.preference(f.lang)
		add := func(term string, share float64) {
			if !slices.ContainsFunc(out, func(t fieldTerm) bool { return t.field == i && t.term == term }) {
				out = append(out, fieldTerm{i, term, factor * share})
			}
		}
		w.forms(func(form *word) {
			form.terms(f.lang, func(term string) { add(term, 1) })
			view.widen(i, form, e, add)
		})
	}
	return out
}

func (s *finding) preference(l language) float64 {
	if s.q.Locale == "" || l == unknown || l == languageOf(s.q.Locale) {
		return 1
	}
	return 0.5
}

// segmentSearch is a query on one segment of an index.
type segmentSearch struct {
	view      *snapshot
	number    int
	documents uint64          // of the types searched
	having    []uint64        // how many documents have each unit
	matching  *roaring.Bitmap // the documents that match
	postings  [][]posting     // by unit
}

// posting is the list of documents that have a term in a field.
type posting struct {
	list   segment.PostingsList
	docs   *roaring.Bitmap
	field  *field
	factor float64
}

// segment finds the documents of a segment that match.
func (s *finding) segment(view *snapshot, number int, p plan) (*segmentSearch, error) {
	g := &segmentSearch{view: view, number: number, having: make([]uint64, len(s.units)), postings: make([][]posting, len(s.units))}
	for i := range s.q.Looks {
		l := &s.q.Looks[i]
		all, err := view.open(number, l, string(l.Type)+" "+typeField, typeTerm)
		if err != nil {
			return nil, err
		}
		g.documents += all.docs.GetCardinality()
	}
	g.matching = roaring.New()
	return g, s.match(g, p)
}

func (s *finding) match(g *segmentSearch, p plan) error {
	var required []*roaring.Bitmap
	excluded := roaring.New()
	for u := range s.units {
		docs, err := g.unit(&s.units[u], u, p[u])
		if err != nil {
			return err
		}
		g.having[u] = docs.GetCardinality()
		switch {
		case s.units[u].exclude:
			excluded.Or(docs)
		case !s.units[u].optional:
			required = append(required, docs)
		}
	}
	if len(required) > 0 {
		g.matching = roaring.FastAnd(required...)
		g.matching.AndNot(excluded)
	}
	return nil
}

// unit gives the documents that have a unit, and keeps what they are scored by.
func (g *segmentSearch) unit(u *unit, n int, words []wordPlan) (*roaring.Bitmap, error) {
	if u.phrase {
		return g.phrase(u, n, words)
	}
	sets := make([]*roaring.Bitmap, 0, len(words[0]))
	for _, t := range words[0] {
		f := &g.view.fields[t.field]
		p, err := g.view.openField(g.number, t.field, t.term)
		if err != nil {
			return nil, err
		}
		if p.docs.IsEmpty() {
			continue
		}
		p.field, p.factor = f, t.factor
		g.postings[n], sets = append(g.postings[n], p), append(sets, p.docs)
	}
	return roaring.FastOr(sets...), nil
}

// openField opens the list of a term in one of the view's fields.
func (v *snapshot) openField(segment, field int, term string) (posting, error) {
	return v.open(segment, v.looks[field], v.fields[field].name, term)
}

// open opens the list of a term, of which only the documents count that a look shows. Its docs are empty when there are none.
func (v *snapshot) open(segment int, l *Look, field, term string) (posting, error) {
	seg := v.Segments()[segment]
	dictionary, err := seg.Segment().Dictionary(field)
	if err != nil {
		return posting{}, err
	}
	list, err := dictionary.PostingsList([]byte(term), seg.Deleted(), nil)
	if err != nil {
		return posting{}, err
	}
	docs, err := v.seen(segment, l, documentsOf(list))
	return posting{list: list, docs: docs}, err
}

// documentsOf gives the set behind a list. It must not be altered.
func documentsOf(list segment.PostingsList) *roaring.Bitmap {
	it, ok := list.Iterator(false, false, false, nil).(segment.OptimizablePostingsIterator)
	if !ok {
		return roaring.New()
	}
	if docs := it.ActualBitmap(); docs != nil {
		return docs
	}
	if one, ok := it.DocNum1Hit(); ok {
		return roaring.BitmapOf(uint32(one))
	}
	return roaring.New()
}

// score adds up what each matching document is worth.
func (s *finding) score(found []*segmentSearch, rarity []float64) ([]Match, error) {
	keep := s.x.scratch.Get().(*scratch)
	defer s.x.scratch.Put(keep)
	var matches []Match
	for _, g := range found {
		if err := s.ctx.Err(); err != nil {
			return nil, err
		}
		scores, err := g.scores(keep, rarity, s.units)
		if err != nil {
			return nil, err
		}
		if matches, err = g.collect(matches, scores); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(matches, func(a, b Match) int {
		if a.Score != b.Score {
			return cmp.Compare(b.Score, a.Score)
		}
		return cmp.Compare(a.Row, b.Row)
	})
	return matches, nil
}

// scratch is memory that searches use again.
type scratch struct{ scores []float64 }

func (k *scratch) cleared(n int) []float64 {
	if cap(k.scores) < n {
		k.scores = make([]float64, n)
	}
	k.scores = k.scores[:n]
	clear(k.scores)
	return k.scores
}

// scores gives, by number of document, what the matching documents are worth.
func (g *segmentSearch) scores(keep *scratch, rarity []float64, units []unit) ([]float64, error) {
	scores := keep.cleared(int(g.view.Segments()[g.number].FullSize()))
	for u := range units {
		if units[u].exclude {
			continue
		}
		for i := range g.postings[u] {
			if err := g.postings[u][i].score(scores, g.matching, rarity[u]); err != nil {
				return nil, err
			}
		}
	}
	return scores, nil
}

// score adds the share of one term in one field.
func (p *posting) score(scores []float64, matching *roaring.Bitmap, rarity float64) error {
	it := p.list.Iterator(true, true, false, nil)
	narrow(it, roaring.And(p.docs, matching))
	weight, usual := rarity*p.factor*(k1+1), p.field.usual()
	for {
		hit, err := it.Next()
		if err != nil || hit == nil {
			return err
		}
		n := hit.Number()
		if n >= uint64(len(scores)) {
			continue
		}
		tf := float64(hit.Frequency())
		scores[n] += weight * tf / (tf + k1*(1-b+b*lengthOf(hit)/usual))
	}
}

// narrow makes an iterator pass over all documents but these, without reading what is kept of them. They must be
// some of its own.
func narrow(it segment.PostingsIterator, docs *roaring.Bitmap) {
	o, ok := it.(segment.OptimizablePostingsIterator)
	if !ok {
		return
	}
	if o.ActualBitmap() != nil {
		o.ReplaceActual(docs)
	}
}

// lengthOf is how many words the field of the document has.
func lengthOf(hit segment.Posting) float64 {
	if exact, ok := hit.(interface{ NormUint64() uint64 }); ok {
		return float64(exact.NormUint64())
	}
	n := hit.Norm()
	return math.Round(1 / (n * n))
}

// collect appends the matches of a segment.
func (g *segmentSearch) collect(matches []Match, scores []float64) ([]Match, error) {
	seg := g.view.Segments()[g.number]
	matches = slices.Grow(matches, int(g.matching.GetCardinality()))
	for it := g.matching.Iterator(); it.HasNext(); {
		n := it.Next()
		id, err := seg.DocID(uint64(n))
		if err != nil {
			return nil, err
		}
		row := rowOf(id)
		if g.view.hidden == nil || !g.view.hidden.has(row) {
			matches = append(matches, Match{row, scores[n]})
		}
	}
	return matches, nil
}
