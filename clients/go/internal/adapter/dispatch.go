package main

import (
	"context"

	rlimitd "github.com/rlimitd/rlimitd/clients/go"
)

func (r *request) carryOut(client *rlimitd.Client) (object, error) {
	ctx := context.Background()
	if r.AgentOnly {
		client = client.With(rlimitd.AgentOnly())
	}
	if r.TimeoutMS != nil {
		timeout, err := milliseconds(*r.TimeoutMS)
		if err != nil {
			return nil, err
		}
		client = client.With(rlimitd.WithTimeout(0))
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		ctx = bounded
	}
	switch r.Do {
	case "explain":
		return r.explain(ctx, client)
	case "lease_renew":
		id, err := r.leaseID()
		if err != nil {
			return nil, err
		}
		duration, err := milliseconds(r.DurationMS)
		if err != nil {
			return nil, err
		}
		info, err := client.RenewLease(ctx, id, duration)
		if err != nil {
			return nil, err
		}
		return object{"renewed": leaseObject(*info)}, nil
	case "lease_release":
		id, err := r.leaseID()
		if err != nil {
			return nil, err
		}
		restorations, err := client.ReleaseLease(ctx, id)
		if err != nil {
			return nil, err
		}
		return object{"restorations": restorationObjects(restorations)}, nil
	case "lease_list":
		leases, err := client.LeaseList(ctx)
		if err != nil {
			return nil, err
		}
		list := []object{}
		for _, info := range leases {
			list = append(list, leaseObject(info))
		}
		return object{"leases": list}, nil
	case "server_info":
		info, err := client.ServerInfo(ctx)
		if err != nil {
			return nil, err
		}
		return object{"server_info": serverInfoObject(info)}, nil
	case "stats":
		stats, err := client.Stats(ctx)
		if err != nil {
			return nil, err
		}
		return object{"stats": statsObject(stats)}, nil
	}
	if group, named, err := r.group(); err != nil {
		return nil, err
	} else if named {
		return r.carryOutForGroup(ctx, client, group)
	}
	target, closeTarget, err := r.target()
	if err != nil {
		return nil, err
	}
	defer closeTarget()
	return r.carryOutForProcess(ctx, client, target)
}
