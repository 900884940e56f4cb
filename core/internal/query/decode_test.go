package query

import (
	"testing"

	"github.com/palabre-cms/palabre/core"
)

// Only what was signed is decoded, and still: nothing that it could say may do harm.
func FuzzDecodeCursor(f *testing.F) {
	f.Add(encodeCursor(&core.Cursor{ID: "a", Values: []any{"x", int64(1), 2.5, true, nil}}))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 's'})
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, ok := decodeCursor(b); ok && len(c.Values) > len(b) {
			t.Fatalf("%d values came out of %d bytes", len(c.Values), len(b))
		}
	})
}
