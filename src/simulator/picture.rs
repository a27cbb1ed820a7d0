//! The picture that every screenshot shows: a real baseline JPEG of 96 × 54 pixels, a shop's page with an orange button.

/// The picture in base64, without padding (its length is a multiple of three).
pub const BASE64: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABsSFBcUERsXFhceHBsgKEIrKCUlKFE6PTBCYFVlZF9VXVtqeJmBanGQc1tdhbWGkJ6jq62rZ4C8ybqmx5moq6T/2wBDARweHigjKE4rK06kbl1upKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKSkpKT/wAARCAA2AGADASIAAhEBAxEB/8QAGQABAAMBAQAAAAAAAAAAAAAAAAQFBgMC/8QAMRAAAQICCAUDAgcAAAAAAAAAAAECA1MEBREUFaLR4RITUmOTIZKhMTNDUWFygbHB/8QAGAEBAAMBAAAAAAAAAAAAAAAAAAIDBAH/xAAdEQEBAAIDAAMAAAAAAAAAAAAAAQISAxETFCFR/9oADAMBAAIRAxEAPwCrBqcHoEjO7UYPQJGd2pd6RDVlganB6BIzu1GD0CRndqPSGrLA1OD0CRndqMHoEjO7UekNWWBqcHoEjO7UYPQJGd2o9IassDU4PQJGd2owegSM7tR6Q1ZYGpwegSM7tRg9AkZ3aj0hqnFFea16Yvi2L0g4j2s2xSmgXmtemL4thea16Yvi2J+I9rNsMR7WbYCBea16Yvi2F5rXpi+LYn4j2s2wxHtZtgIF5rXpi+LYl1bGpsSO5KSj0Zw2pxM4fW1P0LCG7jhtdZZxIi2HoAAAAAAAAAAAAAAHOLGhwrOY6y36eh0INZ/h/wA/4Q5MrjjbEsMdsuq73yBM+FF8gTPhSqBl+Rk0eOK1vkCZ8Kdmqjmo5PVFS1CkLiB9iH+1P6LeLludvavkwmM+nQAGhSAAAAAB5cxj7OJrXWfmloAHnkwpTPag5MKUz2oAc1n473TkwpTPah7REREREsRABJId1//Z";

/// The picture as the vendor sends it.
#[must_use]
pub fn data_url() -> String {
    format!("data:image/jpeg;base64,{BASE64}")
}

/// The picture cut off so that its base64 is not complete, as was seen from the live service.
#[must_use]
pub fn broken_data_url() -> String {
    let mut url = data_url();
    url.truncate(url.len() - 3);
    url
}
