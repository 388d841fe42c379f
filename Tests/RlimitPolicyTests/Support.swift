import RlimitModel
import Testing

@testable import RlimitPolicy

/// A caller on the host with uid and gid 1000.
func caller(
    uid: UInt32 = 1000, gid: UInt32 = 1000, pid: Int32? = 500, groups: [UInt32] = [], pinned: Bool = true,
    depth: Int? = 1, cgroup: String? = "/user.slice/user-1000.slice/session-1.scope", capabilities: UInt64 = 0
) -> Peer {
    Peer(
        pid: pid, uid: uid, gid: gid, groups: groups, isPinned: pinned, namespaceDepth: depth, cgroup: cgroup,
        capabilities: capabilities)
}

/// A caller in a container, in the pod of its cgroup.
func contained(uid: UInt32 = 1000, pod: String = "pod1", container: String = "c1") -> Peer {
    caller(uid: uid, gid: uid, depth: 2, cgroup: "/kubepods/burstable/\(pod)/\(container)")
}

let ordinary = Limit(soft: 1024, hard: 4096)

/// The process that connected.
func itself(_ peer: Peer = caller(), now: Limit = ordinary) -> TargetSnapshot {
    TargetSnapshot(
        identity: ProcessCredentials(pid: peer.pid ?? 500, credentials: Credentials(uid: peer.uid, gid: peer.gid)),
        isPeer: true,
        now: Limits(repeating: now))
}

/// Another process.
func process(uid: UInt32 = 1000, gid: UInt32 = 1000, pid: Int32 = 700, now: Limit = ordinary) -> TargetSnapshot {
    TargetSnapshot(
        identity: ProcessCredentials(pid: pid, credentials: Credentials(uid: uid, gid: gid)), isPeer: false,
        now: Limits(repeating: now))
}

let plain = ProcessDetail(isKernelThread: false, capabilities: 0, cgroup: "/system.slice/x.service", ancestors: [1])

func detail(cgroup: String?, ancestors: [Int32] = [1], capabilities: UInt64 = 0) -> ProcessDetail {
    ProcessDetail(isKernelThread: false, capabilities: capabilities, cgroup: cgroup, ancestors: ancestors)
}

func set(_ edits: NumericEdit..., lease: LeaseTerm? = nil) -> Request {
    Request(id: 1, .set(.caller, EditBatch(edits), lease: lease))
}

/// An edit of soft and hard of open files.
func files(_ hard: Limit.Bound, _ mode: Edit.Mode = .exact) -> NumericEdit {
    NumericEdit(.openFiles, soft: hard, hard: hard, mode: mode)
}

extension Policy {
    func decide(
        _ request: Request, by peer: Peer = caller(), on snapshot: TargetSnapshot? = nil,
        _ detail: ProcessDetail = plain
    ) -> Result<AuthorizedRequest, RlimitError> {
        authorize(request, from: peer, on: snapshot ?? itself(peer), detail: { detail })
    }

    /// The granted edits.
    func granted(
        _ request: Request, by peer: Peer = caller(), on snapshot: TargetSnapshot? = nil,
        _ detail: ProcessDetail = plain
    ) throws -> [AuthorizedEdit] {
        guard case .change(let edits) = try decide(request, by: peer, on: snapshot, detail).get().operation else {
            return []
        }
        return edits
    }

    /// The refusal; nil if it was granted.
    func refused(
        _ request: Request, by peer: Peer = caller(), on snapshot: TargetSnapshot? = nil,
        _ detail: ProcessDetail = plain
    ) -> RlimitError? {
        guard case .failure(let error) = decide(request, by: peer, on: snapshot, detail) else { return nil }
        return error
    }

    func grants(
        _ request: Request, by peer: Peer = caller(), on snapshot: TargetSnapshot? = nil,
        _ detail: ProcessDetail = plain
    ) -> Bool {
        refused(request, by: peer, on: snapshot, detail) == nil
    }
}

/// Lets uid 1000 raise open files to this limit.
func allow(
    _ name: String = "web servers", files: Limit.Bound = 65536, caller: CallerPattern = .users(1000),
    target: TargetPattern = TargetPattern(.sameUser), lower: Bool = false, lease: LeaseTerms? = nil
) -> AllowRule {
    AllowRule(
        name: name, caller: caller, target: target, ceilings: Ceilings([.openFiles: files]), mayLower: lower,
        lease: lease)
}

let get = Request(id: 1, .get(.caller, .all))
let usage = Request(id: 1, .usage(.caller, .process))
