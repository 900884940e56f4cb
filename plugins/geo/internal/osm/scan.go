package osm

import (
	"context"
	"io"
	"sync"
)

// scanner decodes blocks on several workers and hands on what they found in the order of the file.
type scanner struct {
	r       io.ReaderAt
	workers int
	buffers sync.Pool
}

func newScanner(r io.ReaderAt, workers int) *scanner {
	return &scanner{r: r, workers: workers, buffers: sync.Pool{New: func() any { return new(buffers) }}}
}

type result[T any] struct {
	index int
	value T
	err   error
}

// scan runs work on each chosen frame, several at once, and take on what it made of them, one by one in order. Nothing of
// it runs any more when scan returns.
func scan[T any](ctx context.Context, s *scanner, frames []frame, chosen []int, work func(*block) (T, error), take func(int, T) error) error {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	queue := make(chan chan result[T], s.workers-1) // one more is being waited for
	running.Go(func() {
		defer close(queue)
		for _, i := range chosen {
			done := make(chan result[T], 1)
			select {
			case queue <- done:
			case <-ctx.Done():
				return
			}
			running.Go(func() { done <- decode(s, frames[i], i, work) })
		}
	})
	for done := range queue {
		if err := receive(ctx, done, take); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func receive[T any](ctx context.Context, done <-chan result[T], take func(int, T) error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case r := <-done:
		if r.err != nil {
			return r.err
		}
		return take(r.index, r.value)
	}
}

// decode works on one frame. What work returns must not keep the bytes of the block.
func decode[T any](s *scanner, f frame, index int, work func(*block) (T, error)) result[T] {
	own := s.buffers.Get().(*buffers)
	defer s.buffers.Put(own)
	r := result[T]{index: index}
	data, err := own.load(s.r, f)
	if err != nil {
		r.err = err
		return r
	}
	b, err := readBlock(data)
	if err == nil {
		r.value, err = work(b)
	}
	if err != nil {
		r.err = unreadable(f.offset, err)
	}
	return r
}
