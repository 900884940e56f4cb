package catalog

import (
	"encoding/binary"
	"time"

	"github.com/palabre-cms/palabre/core"
)

// record is the state of one entry with its documents by row: rows are never changed, so a row names a document's version.
type record struct {
	number   uint32
	typ      core.TypeName // "" when there is no such entry: it was purged, or is only referred to
	id       core.EntryID
	position core.Position // of the last commit that touched it
	meta     core.Meta
	draft    int64 // 0 for none
	public   int64
}

// entry gives the record as an Entry with stand-ins for its documents, for the rules that core has about entries.
func (r *record) entry() *core.Entry {
	e := &core.Entry{Type: r.typ, ID: r.id, Meta: r.meta}
	if r.draft != 0 {
		e.Draft = core.Doc("draft")
	}
	if r.public != 0 {
		e.Published = core.Doc("published")
	}
	return e
}

// row gives the row that a stand-in made by entry stands for.
func (r *record) row(standIn core.Doc) int64 {
	switch string(standIn) {
	case "draft":
		return r.draft
	case "published":
		return r.public
	}
	return 0
}

// at gives the record as it stands for readers at a time: see core.Entry.At.
func (r *record) at(now time.Time) *record {
	if r.typ == "" || len(r.meta.Schedule) == 0 {
		return r
	}
	e := r.entry().At(now)
	due := *r
	due.meta, due.draft, due.public = e.Meta, r.row(e.Draft), r.row(e.Published)
	return &due
}

// trashed reports whether the entry lies in the trash.
func (r *record) trashed() bool { return r.meta.TrashedAt != nil }

// The head of a record is what the columns of the system need of its meta, in a form that is quick to read.
// A record with more than that (former slugs, a schedule) says so, and its meta is read whole.

const headWhole = 1 // the meta must be read

func (r *record) head() []byte {
	m := &r.meta
	var flags byte
	if len(m.Slugs) > 0 || len(m.Schedule) > 0 {
		flags |= headWhole
	}
	b := append(make([]byte, 0, 96), flags)
	b = binary.AppendVarint(b, m.Rev)
	b = appendText(b, string(m.Status))
	b = appendTime(b, &m.CreatedAt)
	b = appendText(b, m.CreatedBy)
	b = appendTime(b, &m.UpdatedAt)
	b = appendText(b, m.UpdatedBy)
	b = appendTime(b, m.PublishedAt)
	b = appendTime(b, m.TrashedAt)
	if m.Live == nil {
		return appendTime(b, nil)
	}
	b = appendTime(b, &m.Live.At)
	return binary.AppendVarint(b, m.Live.Rev)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendTime(b []byte, t *time.Time) []byte {
	if t == nil {
		return binary.AppendUvarint(b, 0)
	}
	return binary.LittleEndian.AppendUint64(append(b, 1), uint64(t.UnixMicro()))
}

// readHead reads what head wrote. It reports whether the meta must be read whole, and whether the text was sound.
func (r *record) readHead(head []byte, names *interner) (whole, ok bool) {
	v := values{text: head}
	flags := v.bytes(1)
	m := &r.meta
	m.Rev = v.varint()
	m.Status = core.Status(names.of(v.bytes(int(v.uvarint()))))
	m.CreatedAt = v.time()
	m.CreatedBy = names.of(v.bytes(int(v.uvarint())))
	m.UpdatedAt = v.time()
	m.UpdatedBy = names.of(v.bytes(int(v.uvarint())))
	m.PublishedAt = optional(v.time())
	m.TrashedAt = optional(v.time())
	if at := v.time(); !at.IsZero() {
		m.Live = &core.Live{At: at, Rev: v.varint()}
	}
	return !v.bad && flags[0]&headWhole != 0, !v.bad
}

func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func (v *values) varint() int64 {
	n, size := binary.Varint(v.text)
	if size <= 0 {
		v.bad, v.text = true, nil
		return 0
	}
	v.text = v.text[size:]
	return n
}

func (v *values) time() time.Time {
	if v.uvarint() == 0 {
		return time.Time{}
	}
	return time.UnixMicro(int64(v.uint64())).UTC()
}

// interner keeps one copy of strings that come again and again.
type interner struct{ known map[string]string }

func (n *interner) of(b []byte) string {
	if s, ok := n.known[string(b)]; ok {
		return s
	}
	if n.known == nil {
		n.known = map[string]string{}
	}
	s := string(b)
	n.known[s] = s
	return s
}
