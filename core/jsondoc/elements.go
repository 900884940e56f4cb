package jsondoc

import "iter"

// Elements walks the elements of one array in trusted, compact JSON text, without decoding them. They share array's
// memory. Text that is no compact array gives fewer elements, never a panic.
func Elements(array []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if len(array) < 2 || array[0] != '[' {
			return
		}
		for i := 1; i < len(array) && array[i] != ']'; {
			end := valueEnd(array, i)
			if !yield(array[i:end]) {
				return
			}
			i = end + 1
		}
	}
}
