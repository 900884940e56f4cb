package backup

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"hash"
	"io"
	"strings"

	"github.com/klauspost/compress/zstd"
	"github.com/palabre-cms/palabre/core"
)

// pageSize is how many commits are read at once.
const pageSize = 500

// Write writes a backup of the log as it is at one position; writers may go on meanwhile. The key-value side is read
// before the position is noted, so that no checkpoint in it lies beyond the last commit. A log whose chain of sums is
// broken is refused, since its backup could not be restored.
func Write(ctx context.Context, log core.Log, w io.Writer, progress Progress) (*Summary, error) {
	keys, err := readKeys(ctx, log)
	if err != nil {
		return nil, err
	}
	s, err := note(ctx, log, len(keys))
	if err != nil {
		return nil, err
	}
	out, err := newWriter(w)
	if err != nil {
		return nil, err
	}
	defer out.zstd.Close() // after finish it does nothing
	out.line(&line{Palabre: "backup", Format: Format, At: &s.At, Position: s.Position, Sum: s.Sum})
	for i := range keys {
		out.line(&line{Key: &keys[i]})
	}
	if err := out.commits(ctx, log, s, progress); err != nil {
		return nil, err
	}
	return s, out.finish(s)
}

// readKeys reads the key-value side, which is small, but for what is Unsaved. A key that goes meanwhile is left out.
func readKeys(ctx context.Context, log core.Log) ([]keyLine, error) {
	names, err := log.Keys(ctx, "")
	if err != nil {
		return nil, err
	}
	var keys []keyLine
	for _, name := range names {
		if strings.HasPrefix(name, Unsaved) {
			continue
		}
		kv, err := log.Get(ctx, name)
		if core.CodeOf(err) == core.CodeNotFound {
			continue
		}
		if err != nil {
			return nil, err
		}
		k := keyLine{Key: kv.Key, Value: kv.Value}
		if !kv.Expires.IsZero() {
			at := kv.Expires.UTC()
			k.Expires = &at
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// note fixes the position up to which the backup goes.
func note(ctx context.Context, log core.Log, keys int) (*Summary, error) {
	at, err := log.Now(ctx)
	if err != nil {
		return nil, err
	}
	s := &Summary{At: at, Keys: keys}
	if s.Position, err = log.Last(ctx); err != nil || s.Position == 0 {
		return s, err
	}
	last, err := log.Read(ctx, s.Position, 1)
	if err != nil {
		return nil, err
	}
	if len(last) != 1 {
		return nil, core.Errorf(core.CodeInternal, "commit %d is missing from the log: run the log's verification", s.Position)
	}
	s.Sum = last[0].Sum
	return s, nil
}

// writer compresses lines and remembers the first error.
type writer struct {
	out   io.Writer
	bytes hash.Hash // of the file
	lines hash.Hash // of the lines
	zstd  *zstd.Encoder
	json  *json.Encoder
	err   error
}

func newWriter(out io.Writer) (*writer, error) {
	w := &writer{out: out, bytes: sha256.New(), lines: sha256.New()}
	var err error
	w.zstd, err = zstd.NewWriter(io.MultiWriter(out, w.bytes), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
	if err != nil {
		return nil, core.Wrap("backup.Write", err)
	}
	w.json = json.NewEncoder(io.MultiWriter(w.zstd, w.lines))
	w.json.SetEscapeHTML(false)
	return w, nil
}

func (w *writer) line(l *line) {
	if w.err == nil {
		w.err = w.json.Encode(l)
	}
}

func (w *writer) commits(ctx context.Context, log core.Log, s *Summary, progress Progress) error {
	sum := ""
	for done := core.Position(0); done < s.Position; {
		page, err := log.Read(ctx, done+1, int(min(pageSize, s.Position-done)))
		if err != nil {
			return err
		}
		if err := follows(page, done, sum); err != nil {
			return core.Errorf(core.CodeInternal, "the log is damaged and its backup could not be restored; run the log's verification: %w", err)
		}
		for i := range page {
			w.line(&line{Commit: writeDown(&page[i])})
		}
		if w.err != nil {
			return w.failed()
		}
		done, sum = page[len(page)-1].Position, page[len(page)-1].Sum
		tell(progress, done, s.Position)
	}
	return nil
}

func (w *writer) finish(s *Summary) error {
	w.line(&line{End: &endLine{Commits: s.Position, Keys: s.Keys, SHA256: hex.EncodeToString(w.lines.Sum(nil))}})
	if w.err == nil {
		w.err = w.zstd.Close()
	}
	if w.err == nil {
		_, w.err = w.out.Write(seal(w.bytes))
	}
	return w.failed()
}

func (w *writer) failed() error {
	if w.err == nil {
		return nil
	}
	return core.Errorf(core.CodeUnavailable, "the backup cannot be written: is there room on the disk? %w", w.err)
}

func tell(progress Progress, done, total core.Position) {
	if progress != nil {
		progress(done, total)
	}
}
