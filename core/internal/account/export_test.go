package account

import (
	"context"
	"encoding/base64"
)

// HashAt gives the sum of a password at another cost.
func (s *Service) HashAt(password string, salt []byte, memory, passes uint32) (string, error) {
	sum, err := s.hasher.derive(context.Background(), password, salt, cost{memory, passes, 1})
	return base64.RawStdEncoding.EncodeToString(sum), err
}
