package access

// Remembered counts what the present policy keeps of what it was asked.
func (a *Access) Remembered() (n int) {
	p := a.current.Load()
	count := func(any, any) bool { n++; return true }
	p.covering.Range(count)
	p.scopes.Range(count)
	return n + len(p.personal.made)
}
