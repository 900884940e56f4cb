package transfer

import (
	"context"
	"errors"
	"io"
	"runtime"

	"github.com/palabre-cms/palabre/core"
	"golang.org/x/sync/errgroup"
)

// ImportOptions say what an import does with its lines.
type ImportOptions struct {
	Types   core.Types
	Type    core.TypeName // of lines that do not say theirs
	Format  Format        // "" finds out
	Upsert  string        // the unique field, or _id, by which an entry that is there is found again; "" creates only
	Publish bool          // publish lines that do not say their status
	DryRun  bool          // check everything, write nothing
	Mapping *Mapping      // nil changes nothing
	Locale  core.Locale   // of the messages
	// Bad is told of each thing wrong, in the order of the lines but for those tried again at the end; nil tells nobody.
	Bad func(BadLine)
	// Warn is told of each thing odd about a line that was taken, in the same order; nil tells nobody.
	Warn func(BadLine)
	// Progress is told how many lines are done; nil tells nobody.
	Progress func(lines int)
}

// Destination takes operations, each for itself. It may be called at once.
type Destination interface {
	// Write performs operations and gives an outcome for each. Its error says that nothing more can be written.
	Write(ctx context.Context, ops []core.Operation, dryRun bool) ([]Outcome, error)
	// Has reports whether an entry is there, trash excluded.
	Has(ctx context.Context, name core.TypeName, id core.EntryID) (bool, error)
	// Batch is how many operations, and bytes of them, a Write takes well.
	Batch() (operations, bytes int)
}

// Outcome is what became of one operation.
type Outcome struct {
	ID        core.EntryID
	Created   bool
	Changed   bool
	Published bool
	Slug      string // in a dry run: what the entry may be referred to by
	Schedule  []core.Scheduled
	Warnings  []core.FieldError // what plugins find odd about it
	Err       error
}

// Import writes the entries of an input. Its error means that the import could not go on; lines that could not be
// taken are in the Report. What was written stays: with Upsert, the same import may simply be run again.
func Import(ctx context.Context, in io.Reader, to Destination, o ImportOptions) (*Report, error) {
	src, read, err := records(in, &o)
	if err != nil {
		return nil, err
	}
	m := &importer{options: &o, to: to, reader: read, report: &Report{DryRun: o.DryRun}, underWay: map[string]bool{}}
	if o.DryRun {
		m.named = map[string]bool{}
	}
	err = m.run(ctx, src)
	return m.report, err
}

func records(in io.Reader, o *ImportOptions) (source, *reader, error) {
	buffered, format, err := open(in, o.Format)
	if err != nil {
		return nil, nil, err
	}
	if format == JSONLines {
		return &jsonLines{in: buffered}, &reader{options: o}, nil
	}
	r, err := newRows(buffered)
	if err != nil {
		return nil, nil, err
	}
	return r, &reader{options: o, columns: columns{header: r.header, mapping: o.Mapping}}, nil
}

// chunk is a run of records on its way through the readers; lines is answered when they are read.
type chunk struct {
	records []record
	lines   chan []line
}

const chunkRecords = 64

// importer is one import under way: the input is cut into chunks, chunks are read by all processors at once, and their
// lines are written in batches, in order, a few at a time.
type importer struct {
	options  *ImportOptions
	to       Destination
	reader   *reader
	report   *Report
	batch    []line
	weight   int             // of batch, in bytes
	waiting  []chan written  // batches under way, oldest first
	underWay map[string]bool // the keys of batch and of those under way
	later    []failed        // to be tried again at the end: what they refer to may have come in the meantime
	named    map[string]bool // in a dry run: "type/slug" of every good line
}

func (m *importer) run(ctx context.Context, src source) error {
	g, ctx := errgroup.WithContext(ctx)
	readers := runtime.GOMAXPROCS(0)
	work, order := make(chan chunk), make(chan chunk, 2*readers)
	g.Go(func() error { defer close(order); defer close(work); return cut(ctx, src, work, order) })
	for range readers {
		g.Go(func() error { m.read(work); return nil })
	}
	g.Go(func() error { return m.write(ctx, order) })
	return g.Wait()
}

// cut sends the input in chunks, each to the readers and, in order, to the writer.
func cut(ctx context.Context, src source, work, order chan<- chunk) error {
	for {
		c, err := nextChunk(src)
		if len(c.records) > 0 {
			if !send(ctx, order, c) || !send(ctx, work, c) {
				return ctx.Err()
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return core.Errorf(core.CodeBadRequest, "The input cannot be read further: %w", err)
		}
	}
}

func send(ctx context.Context, to chan<- chunk, c chunk) bool {
	select {
	case to <- c:
		return true
	case <-ctx.Done():
		return false
	}
}

func nextChunk(src source) (chunk, error) {
	c := chunk{lines: make(chan []line, 1)}
	for len(c.records) < chunkRecords {
		rec, err := src.next()
		if err != nil {
			return c, err
		}
		c.records = append(c.records, rec)
	}
	return c, nil
}

func (m *importer) read(work <-chan chunk) {
	for c := range work {
		lines := make([]line, len(c.records))
		for i, rec := range c.records {
			lines[i] = m.reader.line(rec)
		}
		c.lines <- lines
	}
}

func (m *importer) write(ctx context.Context, order <-chan chunk) error {
	for c := range order {
		select {
		case lines := <-c.lines:
			if err := m.takeAll(ctx, lines); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := m.finish(ctx); err != nil {
		return err
	}
	return m.tryAgain(ctx)
}

func (m *importer) takeAll(ctx context.Context, lines []line) error {
	for i := range lines {
		m.report.Lines++
		if lines[i].err != nil {
			m.bad(&lines[i], lines[i].err)
			continue
		}
		if err := m.take(ctx, lines[i]); err != nil {
			return err
		}
	}
	return nil
}

// take puts a line into the batch and sends that off when it is full.
func (m *importer) take(ctx context.Context, l line) error {
	if err := m.alone(ctx, &l); err != nil {
		return err
	}
	m.batch, m.weight = append(m.batch, l), m.weight+l.bytes
	if operations, bytes := m.to.Batch(); len(m.batch) < operations && m.weight < bytes {
		return nil
	}
	return m.flush(ctx)
}

// alone waits until no earlier line of the same entry is under way.
func (m *importer) alone(ctx context.Context, l *line) error {
	key := l.key()
	if key == "" {
		return nil
	}
	if m.underWay[key] {
		if err := m.finish(ctx); err != nil {
			return err
		}
	}
	m.underWay[key] = true
	return nil
}

// good counts a line that was taken, and reports what is odd about it.
func (m *importer) good(l *line, o Outcome) {
	m.report.add(o)
	for _, row := range fieldRows(l, m.options.Locale, o.Warnings) {
		if m.options.Warn != nil {
			m.options.Warn(row)
		}
	}
}

// bad reports a line that cannot be taken.
func (m *importer) bad(l *line, err error) {
	for _, row := range m.report.fail(l, m.options.Locale, err) {
		if m.options.Bad != nil {
			m.options.Bad(row)
		}
	}
}
