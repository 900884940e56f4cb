package text

import (
	"context"
	"encoding/binary"
	"sync"

	index "github.com/blevesearch/bleve_index_api"

	"github.com/palabre-cms/palabre/core"
)

// Apply replaces what is held of rows and records the position that this leads to. Of every row named in put or remove,
// only the documents in put are held afterwards: at most one published and one other for each. It may be repeated, and a
// crash leaves an earlier position together with the documents of that position or later ones.
func (x *Index) Apply(ctx context.Context, at core.Position, put []Doc, remove []uint64) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	published, drafts := newChange(x.published), newChange(x.drafts)
	for _, row := range remove {
		published.remove(row)
		drafts.remove(row)
	}
	for i := range put {
		published.place(&put[i], put[i].Published)
		drafts.place(&put[i], !put[i].Published)
	}
	for _, c := range []*change{drafts, published} {
		if err := x.write(ctx, c, at); err != nil {
			return core.Wrap("text.Apply", err)
		}
	}
	x.position.Store(uint64(at))
	return nil
}

// change is what an Apply does to one part.
type change struct {
	part *part
	docs map[uint64]*Doc // nil for rows to remove
	todo []uint64        // their order
}

func newChange(p *part) *change { return &change{part: p, docs: map[uint64]*Doc{}} }

func (c *change) remove(row uint64) {
	if _, ok := c.docs[row]; !ok && c.part.has(row) {
		c.set(row, nil)
	}
}

// place notes a document that belongs here, or that its row has one elsewhere.
func (c *change) place(d *Doc, here bool) {
	if here {
		c.set(d.Row, d)
		return
	}
	c.remove(d.Row)
}

func (c *change) set(row uint64, d *Doc) {
	if _, ok := c.docs[row]; !ok {
		c.todo = append(c.todo, row)
	}
	c.docs[row] = d
}

// write makes the change in steps; the last one carries the position.
func (x *Index) write(ctx context.Context, c *change, at core.Position) error {
	for len(c.todo) > x.options.Batch {
		if err := x.step(ctx, c, x.options.Batch, nil); err != nil {
			return err
		}
	}
	return x.step(ctx, c, len(c.todo), &at)
}

func (x *Index) step(ctx context.Context, c *change, n int, at *core.Position) error {
	batch, names, weight := index.NewBatch(), map[string]bool{}, 0
	for _, row := range c.todo[:n] {
		weight += x.stage(batch, names, row, c.docs[row])
	}
	if at != nil {
		batch.SetInternal(positionKey, binary.BigEndian.AppendUint64(nil, uint64(*at)))
		batch.SetInternal(versionKey, []byte{formatVersion})
	}
	if err := x.backlog.enter(ctx, weight); err != nil {
		return err
	}
	batch.SetPersistedCallback(func(error) { x.backlog.leave(weight) })
	c.part.learn(keys(names)) // before the batch: a search may see the documents at once
	if err := c.part.index.Batch(batch); err != nil {
		x.backlog.leave(weight)
		return err
	}
	c.part.note(c, c.todo[:n])
	c.todo = c.todo[n:]
	return nil
}

// stage adds one row to a batch and gives about how many bytes it weighs.
func (x *Index) stage(batch *index.Batch, names map[string]bool, row uint64, d *Doc) int {
	if d == nil {
		batch.Delete(idOf(row))
		return 0
	}
	doc := newDocument(x, d)
	doc.names(names)
	batch.Update(doc)
	weight := 0
	for i := range d.Fields {
		weight += len(d.Fields[i].Text)
	}
	return weight
}

// note keeps the set of rows in step.
func (p *part) note(c *change, rows []uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, row := range rows {
		if c.docs[row] == nil {
			delete(p.rows, row)
		} else {
			p.rows[row] = struct{}{}
		}
	}
}

func keys(m map[string]bool) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	return out
}

// Flush returns when everything applied so far is on disk.
func (x *Index) Flush(ctx context.Context) error {
	x.writing.Lock()
	defer x.writing.Unlock()
	return core.Wrap("text.Flush", x.flush(ctx))
}

func (x *Index) flush(ctx context.Context) error {
	for _, p := range []*part{x.published, x.drafts} {
		written := make(chan struct{})
		batch := index.NewBatch()
		batch.SetInternal([]byte("flushed"), []byte{1})
		batch.SetPersistedCallback(func(error) { close(written) })
		if err := p.index.Batch(batch); err != nil {
			return err
		}
		select {
		case <-written:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// maxBacklog is how many bytes of text may wait for the disk before Apply waits too.
const maxBacklog = 8 << 20

// backlog keeps a bulk load from filling the memory faster than the disk can take it.
type backlog struct {
	mu     sync.Mutex
	bytes  int
	moved  chan struct{} // closed and replaced whenever bytes falls
	closed bool
}

func (b *backlog) init() { b.moved = make(chan struct{}) }

func (b *backlog) enter(ctx context.Context, weight int) error {
	for {
		b.mu.Lock()
		moved, free, closed := b.moved, b.bytes == 0 || b.bytes+weight <= maxBacklog, b.closed
		if free && !closed {
			b.bytes += weight
		}
		b.mu.Unlock()
		switch {
		case closed:
			return errClosed
		case free:
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *backlog) leave(weight int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bytes -= weight
	close(b.moved)
	b.moved = make(chan struct{})
}

// close refuses whoever comes, and reports whether it was open.
func (b *backlog) close() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	was := !b.closed
	b.closed = true
	return was
}
