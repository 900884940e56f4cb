package audit

import "context"

// TellHeld is what Run does every minute.
func (t *Trail) TellHeld(ctx context.Context) error { return t.tellHeld(ctx) }
