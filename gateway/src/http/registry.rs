//! The routes that change the registry: devices and reading credentials.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};

use super::ApiState;
use super::access::Caller;
use super::body::JsonBody;
use super::parameters::PathId;
use super::problem::{Problem, ProblemKind, Problems};
use crate::registry::dto::{
    DeviceChangeRequest, DeviceSummary, IssuedDevice, IssuedReader, NewDeviceRequest,
    NewReaderRequest,
};
use crate::registry::{DeviceLimits, RegistryError};

/// Register a device; the answer holds its password, once
#[utoipa::path(
    post, path = "/devices", tag = "registry", request_body = NewDeviceRequest,
    responses((status = 201, description = "Its password", body = IssuedDevice), Problems)
)]
pub(super) async fn add_device(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<NewDeviceRequest>,
) -> Result<(StatusCode, Json<IssuedDevice>), Problem> {
    let device = request.new_device()?;
    let issued = state.registry.add_device(device, &caller.actor()).await?;
    Ok((StatusCode::CREATED, Json(issued.into())))
}

/// Change a device
#[utoipa::path(
    patch, path = "/devices/{device}", tag = "registry",
    params(("device" = String, Path, description = "Its id")),
    request_body = DeviceChangeRequest,
    responses((status = 200, description = "The device as it is now", body = DeviceSummary), Problems)
)]
pub(super) async fn change_device(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathId(id): PathId,
    JsonBody(request): JsonBody<DeviceChangeRequest>,
) -> Result<Json<DeviceSummary>, Problem> {
    let change = request.change()?;
    let actor = caller.actor();
    let device = state.registry.change_device(&id, change, &actor).await?;
    Ok(Json(device.summary()))
}

/// Give a device another password; its connection ends
#[utoipa::path(
    post, path = "/devices/{device}/password", tag = "registry",
    params(("device" = String, Path, description = "Its id")),
    responses((status = 201, description = "Its new password", body = IssuedDevice), Problems)
)]
pub(super) async fn renew_password(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathId(id): PathId,
) -> Result<(StatusCode, Json<IssuedDevice>), Problem> {
    let issued = state.registry.renew_password(&id, &caller.actor()).await?;
    Ok((StatusCode::CREATED, Json(issued.into())))
}

/// Set what one device may do, in place of what was set before; its connection ends
#[utoipa::path(
    put, path = "/devices/{device}/limits", tag = "registry",
    params(("device" = String, Path, description = "Its id")),
    request_body = DeviceLimits,
    responses((status = 200, description = "The device as it is now", body = DeviceSummary), Problems)
)]
pub(super) async fn set_limits(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathId(id): PathId,
    JsonBody(limits): JsonBody<DeviceLimits>,
) -> Result<Json<DeviceSummary>, Problem> {
    let actor = caller.actor();
    let device = state.registry.set_limits(&id, limits, &actor).await?;
    Ok(Json(device.summary()))
}

/// Make a credential for a subscriber; the answer holds its password, once
#[utoipa::path(
    post, path = "/readers", tag = "registry", request_body = NewReaderRequest,
    responses((status = 201, description = "Its password", body = IssuedReader), Problems)
)]
pub(super) async fn add_reader(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    JsonBody(request): JsonBody<NewReaderRequest>,
) -> Result<(StatusCode, Json<IssuedReader>), Problem> {
    let actor = caller.actor();
    let added = state
        .registry
        .add_reader(&request.name, request.filters, &actor);
    Ok((StatusCode::CREATED, Json(added.await?.into())))
}

/// Remove a subscriber's credential; its connections end
#[utoipa::path(
    delete, path = "/readers/{reader}", tag = "registry",
    params(("reader" = String, Path, description = "Its name")),
    responses((status = 204, description = "It is gone"), Problems)
)]
pub(super) async fn remove_reader(
    State(state): State<ApiState>,
    Extension(caller): Extension<Caller>,
    PathId(name): PathId,
) -> Result<StatusCode, Problem> {
    state.registry.remove_reader(&name, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::NameTaken(_) => Self::new(ProblemKind::Conflict, error.to_string()),
            RegistryError::UnknownReader(reader) => Self::missing("reader", reader.as_str()),
            RegistryError::UnknownDevice(device) => Self::missing("device", device.as_str()),
            RegistryError::Name => Self::body("name", error.to_string()),
            RegistryError::Kind { .. } => Self::body("kind", error.to_string()),
            RegistryError::Week(_) => Self::body("open", error.to_string()),
            RegistryError::Limit(error) => Self::body(error.limit, error.to_string()),
            RegistryError::NoFilter => Self::body("filters", error.to_string()),
            RegistryError::Token(_) | RegistryError::NotTaken => {
                Self::new(ProblemKind::NotAllowed, error.to_string())
            }
            RegistryError::RenewedJustNow { pause } => Self::held(&error.to_string(), pause),
            RegistryError::Interrupted => Self::new(ProblemKind::NotReady, error.to_string()),
            RegistryError::Ledger(error) => error.into(),
        }
    }
}
