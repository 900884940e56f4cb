// Package text is the full-text part of the catalog: what is searched by words, ranked.
//
// An Index holds the words of rows; a row is whatever number the caller gives to an entry. It keeps two indexes
// side by side: one for published documents and one for those that are not. A search of the public looks at the first
// only, and every figure that a score is made of (how many documents there are, how many have the word) comes from it
// alone, from the types searched and from the fields that may be read. So what is hidden cannot even move a rank.
//
// # Words
//
// Text is cut into words, elided articles and possessives are taken off ("l’école" is école, "city's" is city),
// case and accents are folded and the rest is stemmed by the language of the text, French or English. Text of no
// stated language is taken for French and kept as written beside; other languages are folded only. Inclusive writing
// stands for both forms: "citoyen·ne·s" is citoyen and citoyenne. Function words are not indexed.
//
// # Queries
//
// All words are required. "two words" in quotation marks is a phrase, -word excludes. When nothing is found the last word
// may be a beginning (from three letters on), and then words of five letters or more may have one mistake. Nothing
// else in the input means anything: there is no query syntax to inject.
//
// # Ranking
//
// A score is the BM25 sum over the words and the fields that have them, each by its weight. The length that a field is
// compared with is fixed by its weight (a title is short, a body long) instead of measured, so that scores depend on
// nothing but the document and how many others have its words.
package text

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/blevesearch/bleve/v2/index/scorch"
	index "github.com/blevesearch/bleve_index_api"

	"github.com/palabre-cms/palabre/core"
)

// formatVersion changes with the analysis of text: an index made by another version is thrown away at Open.
const formatVersion = 2

// Options tune an Index. The zero value is right for production.
type Options struct {
	Workers int // goroutines that analyse text; 0 for one a core
	Batch   int // documents in one step of indexing; 0 for 1000
}

// Doc is what is searched of one document.
type Doc struct {
	Row       uint64
	Type      core.TypeName
	Published bool
	Locale    core.Locale // of the fields that do not say their own
	Fields    []FieldText
}

// FieldText is one text of a document. A path may come several times: items of an array, translations.
type FieldText struct {
	Path    string
	Weight  float64
	Text    string
	Private bool // matched only by queries that may look at private fields
	Locale  core.Locale
}

// Index is a full-text index in a directory. All its methods may be called at once. Close it.
type Index struct {
	options   Options
	published *part
	drafts    *part
	queue     *index.AnalysisQueue
	writing   sync.Mutex // one Apply at a time
	position  atomic.Uint64
	backlog   backlog
	scratch   sync.Pool // *scratch
	analysers sync.Pool // *analyser
}

// part is one of the two indexes. fields and rows are replaced, never altered.
type part struct {
	index  index.Index
	fields atomic.Pointer[[]field] // every field that was ever indexed, in order
	mu     sync.RWMutex
	rows   map[uint64]struct{}
}

// Open opens the index in a directory, making it when there is none. One that is damaged, or was made by another version, is
// thrown away: Position tells the caller from where to fill it. CodeUnavailable when another process has it open.
func Open(dir string, o Options) (*Index, error) {
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Batch <= 0 {
		o.Batch = 1000
	}
	x := &Index{options: o, queue: index.NewAnalysisQueue(o.Workers)}
	x.backlog.init()
	x.analysers.New = func() any { return newAnalyser() }
	x.scratch.New = func() any { return new(scratch) }
	if err := x.open(dir); err != nil {
		x.queue.Close()
		return nil, core.Wrap("text.Open", err)
	}
	return x, nil
}

func (x *Index) open(dir string) error {
	published, at, err := openPart(filepath.Join(dir, "published"), x.queue)
	if err != nil {
		return err
	}
	drafts, draftsAt, err := openPart(filepath.Join(dir, "drafts"), x.queue)
	if err != nil {
		return errors.Join(err, published.index.Close())
	}
	x.published, x.drafts = published, drafts
	x.position.Store(min(at, draftsAt))
	return nil
}

// openPart opens one index, or an empty one where it cannot be read.
func openPart(dir string, queue *index.AnalysisQueue) (*part, uint64, error) {
	p, at, err := readPart(dir, queue)
	if err == nil {
		return p, at, nil
	}
	if core.CodeOf(err) == core.CodeUnavailable {
		return nil, 0, err
	}
	if err := os.RemoveAll(dir); err != nil {
		return nil, 0, core.Errorf(core.CodeUnavailable, "The search index cannot be replaced: check the rights on the data directory. %w", err)
	}
	return readPart(dir, queue)
}

func readPart(dir string, queue *index.AnalysisQueue) (p *part, at uint64, err error) {
	ix, err := scorch.NewScorch(scorch.Name, config(dir), queue)
	if err != nil {
		return nil, 0, err
	}
	if err := ix.Open(); err != nil {
		return nil, 0, openError(err)
	}
	p = &part{index: ix}
	if at, err = p.load(); err != nil {
		return nil, 0, errors.Join(err, ix.Close())
	}
	return p, at, nil
}

// config makes batches return as soon as they can be searched. What a crash loses comes again: the position that Open
// finds is of the same snapshot as the documents.
func config(dir string) map[string]any {
	return map[string]any{
		"path": dir, "unsafe_batch": true, "bolt_timeout": "2s",
		"scorchPersisterOptions": map[string]any{"PersisterNapTimeMSec": 50, "PersisterNapUnderNumFiles": 500},
	}
}

func openError(err error) error {
	if err.Error() == "timeout" { // bolt's lock on the file
		return core.Errorf(core.CodeUnavailable, "The search index is in use by another process: stop it, or choose another data directory. %w", err)
	}
	return err
}

var (
	positionKey = []byte("position")
	versionKey  = []byte("version")
)

var errVersion = errors.New("made by another version")

// load reads what is kept in memory of a part, and its position.
func (p *part) load() (uint64, error) {
	p.rows = map[uint64]struct{}{}
	p.fields.Store(&[]field{})
	snapshot, err := p.snapshot()
	if err != nil {
		return 0, err
	}
	defer snapshot.Close()
	at, err := storedPosition(snapshot)
	if err != nil {
		return 0, err
	}
	names, err := snapshot.Fields()
	if err != nil {
		return 0, err
	}
	p.learn(names)
	return at, eachRow(snapshot, func(row uint64) { p.rows[row] = struct{}{} })
}

func storedPosition(snapshot *scorch.IndexSnapshot) (uint64, error) {
	at, err := snapshot.GetInternal(positionKey)
	if err != nil || at == nil {
		return 0, err
	}
	version, err := snapshot.GetInternal(versionKey)
	if err != nil {
		return 0, err
	}
	if len(at) != 8 || len(version) != 1 || version[0] != formatVersion {
		return 0, errVersion
	}
	return binary.BigEndian.Uint64(at), nil
}

var errClosed = core.Errorf(core.CodeUnavailable, "The search index is closed.")

// snapshot gives the state to read; close it.
func (p *part) snapshot() (*scorch.IndexSnapshot, error) {
	reader, err := p.index.Reader()
	if err != nil {
		return nil, err
	}
	snapshot, ok := reader.(*scorch.IndexSnapshot)
	if !ok || snapshot == nil {
		return nil, errClosed
	}
	return snapshot, nil
}

// learn adds names of fields to those that searches look at.
func (p *part) learn(names []string) {
	known := *p.fields.Load()
	next := known
	for _, name := range names {
		f, ok := parseField(name)
		if ok && !slices.Contains(next, f) {
			next = append(slices.Clip(next), f)
		}
	}
	if len(next) == len(known) {
		return
	}
	slices.SortFunc(next, compareFields)
	p.fields.Store(&next)
}

// has reports whether the part holds a row.
func (p *part) has(row uint64) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	_, ok := p.rows[row]
	return ok
}

// patience is how long Close waits for the disk. What does not get there comes again: Position will be an earlier one.
const patience = 10 * time.Second

// Close writes what is not yet on disk and closes the index. It may be called again.
func (x *Index) Close() error {
	x.writing.Lock()
	defer x.writing.Unlock()
	if !x.backlog.close() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	flushed := x.flush(ctx)
	err := errors.Join(flushed, x.published.index.Close(), x.drafts.index.Close())
	x.queue.Close()
	return core.Wrap("text.Close", err)
}

// Position is how far Apply has come.
func (x *Index) Position() core.Position { return core.Position(x.position.Load()) }

// Count gives how many published and other documents are held.
func (x *Index) Count() (published, drafts int) { return x.published.count(), x.drafts.count() }

func (p *part) count() int {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return len(p.rows)
}

// Rows lists the rows held, as they stand in the index itself, each list rising.
func (x *Index) Rows(ctx context.Context) (published, drafts []uint64, err error) {
	if published, err = x.published.list(ctx); err == nil {
		drafts, err = x.drafts.list(ctx)
	}
	return published, drafts, core.Wrap("text.Rows", err)
}

func (p *part) list(ctx context.Context) (rows []uint64, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	snapshot, err := p.snapshot()
	if err != nil {
		return nil, err
	}
	defer snapshot.Close()
	err = eachRow(snapshot, func(row uint64) { rows = append(rows, row) })
	slices.Sort(rows)
	return rows, err
}

func eachRow(snapshot *scorch.IndexSnapshot, f func(row uint64)) error {
	for _, seg := range snapshot.Segments() {
		live := seg.DocNumbersLive().Iterator()
		for live.HasNext() {
			id, err := seg.DocID(uint64(live.Next()))
			if err != nil {
				return err
			}
			f(rowOf(id))
		}
	}
	return nil
}

func idOf(row uint64) string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], row)
	return string(b[:])
}

func rowOf(id []byte) uint64 {
	if len(id) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64(id)
}
