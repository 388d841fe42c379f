package rlimitd

import "context"

// Raise raises both halves of a limit of this process to at least bound and returns the new limit. It tries the kernel
// first and asks the agent where the kernel refuses. It never lowers a limit. With an error it returns the current
// limit.
//
// Raise connects for each call. For several calls use a Client, which keeps its connection.
func Raise(ctx context.Context, r Resource, bound uint64) (Limit, error) {
	c := NewClient()
	defer c.Close()
	return c.Raise(ctx, Self, r, bound)
}

// Raise raises both halves of a limit of a process to at least bound, like the function Raise.
func (c *Client) Raise(ctx context.Context, target Target, r Resource, bound uint64) (Limit, error) {
	changes, err := c.Set(ctx, target, RaiseTo(r, bound))
	if err == nil {
		return changes[0].New, nil
	}
	if !r.isKnown() {
		return Limit{}, err
	}
	t, gone := resolveTarget(target)
	if gone != nil {
		return Limit{}, err
	}
	defer t.close()
	limits, _ := t.limits([]Resource{r})
	return limits[r], err
}
