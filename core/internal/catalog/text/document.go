package text

import (
	index "github.com/blevesearch/bleve_index_api"
)

// document is a Doc as the index wants it. Its words are cut when the index asks for it, on the index's own goroutines.
type document struct {
	x      *Index
	doc    *Doc
	id     string
	fields []index.Field
}

var _ index.Document = (*document)(nil)

func newDocument(x *Index, doc *Doc) *document {
	d := &document{x: x, doc: doc, id: idOf(doc.Row)}
	d.fields = append(d.fields, idField(d.id), termField(string(doc.Type)+" "+typeField))
	for i := range doc.Fields {
		d.add(&doc.Fields[i])
	}
	return d
}

// add puts a text into the field of its kind.
func (d *document) add(t *FieldText) {
	if t.Weight <= 0 || t.Text == "" {
		return
	}
	f := fieldFor(d.doc.Type, t, d.doc.Locale)
	for _, have := range d.fields[2:] {
		if have, ok := have.(*textField); ok && have.field == f {
			have.texts = append(have.texts, t.Text)
			return
		}
	}
	d.fields = append(d.fields, &textField{x: d.x, field: f, texts: []string{t.Text}})
}

// names gives the names of the fields.
func (d *document) names(known map[string]bool) {
	for _, f := range d.fields[2:] {
		known[f.Name()] = true
	}
}

func (d *document) ID() string { return d.id }
func (d *document) Size() int  { return 0 }
func (d *document) VisitFields(visit index.FieldVisitor) {
	for _, f := range d.fields {
		visit(f)
	}
}
func (d *document) VisitComposite(index.CompositeFieldVisitor) {}
func (d *document) HasComposite() bool                         { return false }
func (d *document) NumPlainTextBytes() uint64                  { return 0 }
func (d *document) AddIDField()                                {} // it has one
func (d *document) StoredFieldsBytes() uint64                  { return 0 }
func (d *document) Indexed() bool                              { return false }

// plainField has one term and no analysis.
type plainField struct {
	name    string
	value   []byte
	options index.FieldIndexingOptions
	terms   index.TokenFrequencies
}

var _ index.Field = (*plainField)(nil)

func idField(id string) *plainField {
	return &plainField{name: "_id", value: []byte(id), options: index.IndexField | index.StoreField, terms: once(id, 1)}
}

func termField(name string) *plainField {
	return &plainField{name: name, options: index.IndexField | index.SkipFreqNorm, terms: once(typeTerm, 0)}
}

const typeTerm = "1"

func once(term string, frequency int) index.TokenFrequencies {
	t := &index.TokenFreq{Term: []byte(term)}
	t.SetFrequency(frequency)
	return index.TokenFrequencies{term: t}
}

func (f *plainField) Name() string                                     { return f.name }
func (f *plainField) Value() []byte                                    { return f.value }
func (f *plainField) ArrayPositions() []uint64                         { return nil }
func (f *plainField) EncodedFieldType() byte                           { return 't' }
func (f *plainField) Analyze()                                         {}
func (f *plainField) Options() index.FieldIndexingOptions              { return f.options }
func (f *plainField) AnalyzedLength() int                              { return 1 }
func (f *plainField) AnalyzedTokenFrequencies() index.TokenFrequencies { return f.terms }
func (f *plainField) NumPlainTextBytes() uint64                        { return 0 }

// textField is all the text of a document in one field.
type textField struct {
	x      *Index
	field  field
	texts  []string
	length int
	terms  index.TokenFrequencies
}

var _ index.Field = (*textField)(nil)

func (f *textField) Name() string                                     { return f.field.name }
func (f *textField) Value() []byte                                    { return nil }
func (f *textField) ArrayPositions() []uint64                         { return nil }
func (f *textField) EncodedFieldType() byte                           { return 't' }
func (f *textField) Options() index.FieldIndexingOptions              { return textOptions }
func (f *textField) AnalyzedLength() int                              { return f.length }
func (f *textField) AnalyzedTokenFrequencies() index.TokenFrequencies { return f.terms }
func (f *textField) NumPlainTextBytes() uint64                        { return 0 }

// Positions are kept for phrases; texts and columns of values are not.
const textOptions = index.IndexField | index.IncludeTermVectors

// gap keeps phrases from reaching over from one text into the next.
const gap = 100

// Analyze cuts the texts into terms.
func (f *textField) Analyze() {
	a := f.x.analysers.Get().(*analyser)
	defer f.x.analysers.Put(a)
	var c counter
	at := 0
	for _, text := range f.texts {
		a.scan(text, func(s span) {
			at++
			before := len(c.found)
			s.first.terms(f.field.lang, func(term string) { c.add(term, at) })
			if s.second != nil {
				s.second.terms(f.field.lang, func(term string) { c.add(term, at) })
			}
			if len(c.found) > before {
				f.length++
			}
		})
		at += gap
	}
	f.terms, f.texts = c.frequencies(), nil
}

// counter gathers the terms of a field and turns them into few large pieces of memory rather than many small ones.
type counter struct {
	found  []occurrence
	number map[string]int // term to its place in counts
	counts []int
}

type occurrence struct{ term, at int }

func (c *counter) add(term string, at int) {
	if c.number == nil {
		c.number = map[string]int{}
	}
	n, ok := c.number[term]
	if !ok {
		n = len(c.counts)
		c.number[term], c.counts = n, append(c.counts, 0)
	}
	c.counts[n]++
	c.found = append(c.found, occurrence{n, at})
}

func (c *counter) frequencies() index.TokenFrequencies {
	out := make(index.TokenFrequencies, len(c.number))
	slab := make([]index.TokenFreq, len(c.counts))
	pointers := make([]*index.TokenLocation, len(c.found))
	for term, n := range c.number {
		slab[n].Term = []byte(term)
		slab[n].SetFrequency(c.counts[n])
		out[term] = &slab[n]
	}
	for n, count := range c.counts {
		slab[n].Locations, pointers = pointers[:0:count], pointers[count:]
	}
	locations := make([]index.TokenLocation, len(c.found))
	for i, o := range c.found {
		locations[i].Position = o.at
		slab[o.term].Locations = append(slab[o.term].Locations, &locations[i])
	}
	return out
}
