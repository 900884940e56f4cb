package backup

import (
	"context"
	"errors"
	"io"

	"github.com/palabre-cms/palabre/core"
)

// Verify reads a whole file and refuses, with CodeInvalid and the reason, one that is damaged, cut short, foreign, or
// newer than this program.
func Verify(ctx context.Context, r io.ReadSeeker) (*Summary, error) {
	_, s, err := verify(ctx, r)
	return s, err
}

func verify(ctx context.Context, r io.ReadSeeker) (covered int64, s *Summary, err error) {
	if covered, err = checkSeal(r); err != nil {
		return 0, nil, err
	}
	rd, err := newReader(r, covered)
	if err != nil {
		return 0, nil, err
	}
	defer rd.close()
	for {
		if err := ctx.Err(); err != nil {
			return 0, nil, err
		}
		if _, err := rd.next(); errors.Is(err, io.EOF) {
			return covered, &rd.Summary, nil
		} else if err != nil {
			return 0, nil, err
		}
	}
}

// Restore fills an empty log with what a file holds. The whole file is verified before anything is written: one that
// is refused leaves the target untouched. A target that holds anything is refused with CodeConflict. When a restore
// breaks off half-way, begin again with another empty target.
func Restore(ctx context.Context, r io.ReadSeeker, target core.Log, progress Progress) (*Summary, error) {
	if err := empty(ctx, target); err != nil {
		return nil, err
	}
	covered, _, err := verify(ctx, r)
	if err != nil {
		return nil, err
	}
	rd, err := newReader(r, covered)
	if err != nil {
		return nil, err
	}
	defer rd.close()
	f := &filler{target: target, progress: progress, total: rd.Position}
	for {
		l, err := rd.next()
		if errors.Is(err, io.EOF) {
			return &rd.Summary, f.flush(ctx)
		}
		if err == nil {
			err = f.put(ctx, l)
		}
		if err != nil {
			return nil, err
		}
	}
}

// empty refuses a log that holds anything.
func empty(ctx context.Context, target core.Log) error {
	last, err := target.Last(ctx)
	if err != nil {
		return err
	}
	keys, err := target.Keys(ctx, "")
	if err != nil {
		return err
	}
	if last > 0 || len(keys) > 0 {
		return core.Errorf(core.CodeConflict, "a backup is restored into an empty store only, and this one holds %d commits and %d keys: name another one", last, len(keys))
	}
	return nil
}

// filler groups commits, so that each write to the target is worth its wait for the disk.
type filler struct {
	target   core.Log
	progress Progress
	total    core.Position
	commits  []core.Commit
	bytes    int
}

func (f *filler) put(ctx context.Context, l *line) error {
	if l.Key != nil {
		return f.key(ctx, l.Key)
	}
	c := l.Commit.commit()
	f.commits = append(f.commits, c)
	for i := range c.Changes {
		f.bytes += len(c.Changes[i].Draft) + len(c.Changes[i].Published)
	}
	if len(f.commits) < pageSize && f.bytes < core.MaxCommitBytes {
		return nil
	}
	return f.flush(ctx)
}

func (f *filler) key(ctx context.Context, k *keyLine) error {
	kv := core.KV{Key: k.Key, Value: k.Value}
	if k.Expires != nil {
		kv.Expires = *k.Expires
	}
	_, err := f.target.Set(ctx, kv)
	return err
}

func (f *filler) flush(ctx context.Context) error {
	if len(f.commits) == 0 {
		return nil
	}
	_, err := core.AppendSettled(ctx, f.target, f.commits)
	if errors.Is(err, core.ErrPositionTaken) {
		return core.Errorf(core.CodeConflict, "another program wrote to the store while a backup was restored into it: stop it and begin again with an empty store: %w", err)
	}
	if err != nil {
		return err
	}
	tell(f.progress, f.commits[len(f.commits)-1].Position, f.total)
	f.commits, f.bytes = f.commits[:0], 0
	return nil
}
