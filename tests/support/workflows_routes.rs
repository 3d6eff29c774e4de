//! Every route of the Workflows API.

use yandex_cloud_auth::testing::Host;

/// The host, the method, the path, and whether an API key is allowed. `{}` stands for the id of an
/// execution or an operation.
pub(crate) const ROUTES: [(Host, &str, &str, bool); 18] = [
    (
        Host::Workflows,
        "POST",
        "/workflows/v1/execution/start",
        true,
    ),
    (
        Host::Workflows,
        "POST",
        "/workflows/v1/execution/dfq1/start",
        true,
    ),
    (
        Host::Workflows,
        "POST",
        "/workflows/v1/execution/{}/stop",
        true,
    ),
    (
        Host::Workflows,
        "POST",
        "/workflows/v1/execution/{}/terminate",
        true,
    ),
    (Host::Workflows, "GET", "/workflows/v1/execution/{}", true),
    (
        Host::Workflows,
        "GET",
        "/workflows/v1/execution/{}/history",
        true,
    ),
    (
        Host::Workflows,
        "GET",
        "/workflows/v1/execution?workflowId=dfq1",
        true,
    ),
    (Host::Workflows, "POST", "/workflows/v1/workflow", false),
    (
        Host::Workflows,
        "PATCH",
        "/workflows/v1/workflow/dfq1",
        false,
    ),
    (Host::Workflows, "GET", "/workflows/v1/workflow/dfq1", false),
    (
        Host::Workflows,
        "DELETE",
        "/workflows/v1/workflow/dfq1",
        false,
    ),
    (
        Host::Workflows,
        "GET",
        "/workflows/v1/workflow?folderId=b1g1",
        false,
    ),
    (
        Host::Workflows,
        "GET",
        "/workflows/v1/workflow/dfq1/operations",
        false,
    ),
    (
        Host::Workflows,
        "GET",
        "/workflows/v1/workflow/dfq1:listAccessBindings",
        false,
    ),
    (
        Host::Workflows,
        "POST",
        "/workflows/v1/workflow/dfq1:setAccessBindings",
        false,
    ),
    (
        Host::Workflows,
        "POST",
        "/workflows/v1/workflow/dfq1:updateAccessBindings",
        false,
    ),
    (Host::Operation, "GET", "/operations/{}", false),
    (Host::Operation, "GET", "/operations/{}:cancel", false),
];
